// Builds the package: modules for `import` in dist/esm, for `require` in dist/cjs, with types for both.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

rmSync(`${here}dist`, { recursive: true, force: true });
// What runs in browsers too is compiled without the types of Node, so that it uses nothing of it.
for (const project of ['tsconfig.build.json', 'tsconfig.node.json', 'tsconfig.cjs.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: here, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
writeFileSync(`${here}dist/cjs/package.json`, '{ "type": "commonjs" }\n');
