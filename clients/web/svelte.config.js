import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('src/', import.meta.url));
const components = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.svelte'))
  .map((name) => name.replaceAll('\\', '/'))
  .sort();

/**
 * The class that keeps a component's style to itself: as short as can be, because it stands in every rule and every
 * element. A component that was added while the development server runs gets a long one.
 */
function styleClass({ hash, filename }) {
  const at = components.findIndex((name) => filename.endsWith(`src/${name}`));
  return at < 0 ? `s-${hash(filename)}` : `s${at.toString(36)}`;
}

export default {
  preprocess: vitePreprocess({ script: false, style: false }),
  compilerOptions: { runes: true, discloseVersion: false, cssHash: styleClass },
};
