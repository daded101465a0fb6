import type { Plugin } from 'vite';

/**
 * Finds the modules that the first screen needs: what `entry` imports, and what that imports, and so on. An index that
 * exports everything brings along what others need of it; so what is loaded by `import()` somewhere is not among them,
 * nor what is `later`.
 */
export function firstScreen(
  entry: string,
  later: RegExp,
): { readonly plugin: Plugin; readonly needs: (id: string) => boolean } {
  const needed = new Set<string>();
  return {
    needs: (id) => needed.has(id),
    plugin: {
      name: 'palabre-first-screen',
      apply: 'build',
      buildEnd() {
        const waiting = [entry];
        for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
          for (const next of this.getModuleInfo(id)?.importedIds ?? []) {
            if (needed.has(next) || later.test(next) || this.getModuleInfo(next)?.dynamicImporters.length)
              continue;
            needed.add(next);
            waiting.push(next);
          }
        }
      },
    },
  };
}
