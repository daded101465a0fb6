import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { emoji } from './build/emoji.ts';
import { firstScreen } from './build/first.ts';
import { icons } from './build/icons.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env['PALABRE_URL'] ?? 'http://127.0.0.1:8080';

/** What the SDK can do for parts that are loaded when they are wanted, and what Svelte has for their lists of choices. */
const LATER =
  /clients\/sdk\/src\/(bot|client|drafts|notifications|push|saved|threads|uploads)\.ts$|client\/dom\/elements\/bindings\/select\.js$/;
const first = firstScreen(here('src/main.ts'), LATER);

/** The way in: one file, where it would be nine. Settings and dialogs with fields share it. */
const ENTER = /src\/(enter\/|ui\/(Field|Problem)\.svelte|style\/forms)/;

/** Pages name their files from the root, which the server changes; scripts and styles name each other as neighbours. */
const anywhere = (file: string, { hostType }: { hostType: string }) =>
  hostType === 'html' ? `/${file}` : { relative: true };

export default defineConfig({
  plugins: [svelte(), emoji(), icons(here('public')), first.plugin],
  resolve: { alias: { '@palabre/sdk': here('../sdk/src/index.ts') } },
  experimental: { renderBuiltUrl: anywhere },
  build: {
    target: 'es2022',
    // Small files stay files: a data: URL would need a hole in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      checks: { pluginTimings: false },
      // What the first screen needs compresses better as one file than as the several that come of themselves.
      output: {
        // The worker's address is always the same: browsers look there whether it has changed.
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
        codeSplitting: {
          groups: [
            { name: 'base', test: first.needs },
            // Wanted by many parts, which are not to bring the way in along.
            { name: 'problems', test: /src\/town\/problems\.ts$/ },
            { name: 'enter', test: ENTER },
          ],
        },
      },
      input: { index: here('index.html'), play: here('play.html'), sw: here('src/worker/sw.ts') },
    },
  },
  server: {
    port: 3000,
    proxy: {
      '/v1': { target: server, ws: true, changeOrigin: true, rewriteWsOrigin: true },
      '/docs': server,
    },
  },
});
