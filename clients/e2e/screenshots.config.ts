import { defineConfig } from 'vitest/config';
import { resolve, stories } from './vitest.config.ts';

/** The pictures of the documents: made by the same helpers as the tests, and no test. */
const pictures = { include: ['screenshots.ts'], testTimeout: 300_000 };

export default defineConfig({
  resolve,
  test: { ...stories, globalSetup: './town/chromium.ts', ...pictures },
});
