import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** They measure how fast the page is, so nothing else may run. */
const MEASURING = ['test/history.test.ts', 'test/speed.test.ts'];
export const stories = {
  // Each thing that is waited for has its own bound; this one ends what hangs.
  testTimeout: 240_000,
  hookTimeout: 60_000,
  teardownTimeout: 20_000,
  // As long as the browser waits for what is to be seen (`visit.ts`): a second is nothing on a busy machine.
  expect: { poll: { timeout: 25_000 } },
  // A story waits for a browser within bounds of time: if it fails it is tried again once, in another town (`town.ts`).
  retry: 1,
};
/** The SDK as it is written, not as it was built last. */
export const resolve = {
  alias: { '@palabre/sdk': fileURLToPath(new URL('../sdk/src/index.ts', import.meta.url)) },
};

export default defineConfig({
  test: {
    globalSetup: './town/chromium.ts',
    projects: [
      {
        resolve,
        test: {
          ...stories,
          name: 'stories',
          include: ['test/**/*.test.ts'],
          exclude: MEASURING,
          // They wait more than they compute: two files at a time, in one browser.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        test: {
          ...stories,
          name: 'measuring',
          include: MEASURING,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
