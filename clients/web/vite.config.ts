import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { emoji } from './build/emoji.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env['PALABRE_URL'] ?? 'http://127.0.0.1:8080';

/** The SDK, Svelte, and the parts of the client that are there from the first moment; not what finds colours in code. */
const BASE =
  /clients\/(sdk|node_modules\/(?!highlight|svelte\/src\/internal\/client\/dom\/elements\/bindings\/select))|src\/(town\/(?!saving)|kept|i18n|route|place)|src\/style\/(tokens|base)|src\/ui\/(Icon|IconButton|Avatar|pictures|Mark|Menu|Lazy|Button|Spinner|Toasts|toasts|words|copying|confirm|announce)/;

/** The way in: one file, where it would be nine. Settings and dialogs with fields share it. */
const ENTER = /src\/(enter\/|ui\/(Field|Problem)\.svelte|style\/forms)/;

/** Pages name their files from the root, which the server changes; scripts and styles name each other as neighbours. */
const anywhere = (file: string, { hostType }: { hostType: string }) =>
  hostType === 'html' ? `/${file}` : { relative: true };

export default defineConfig({
  plugins: [svelte(), emoji()],
  resolve: { alias: { '@palabre/sdk': here('../sdk/src/index.ts') } },
  experimental: { renderBuiltUrl: anywhere },
  build: {
    target: 'es2022',
    // Small files stay files: a data: URL would need a hole in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      checks: { pluginTimings: false },
      // What every page needs compresses better as one file than as the five that come of themselves.
      output: {
        codeSplitting: {
          groups: [
            { name: 'base', test: BASE },
            { name: 'enter', test: ENTER },
          ],
        },
      },
      input: { index: here('index.html'), play: here('play.html') },
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
