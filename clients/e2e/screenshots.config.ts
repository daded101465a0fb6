import { defineConfig, mergeConfig } from 'vitest/config';
import common from './vitest.config.ts';

/** The pictures of the documents: made by the same helpers as the tests, and no test. */
const pictures = { test: { include: ['screenshots.ts'], testTimeout: 300_000 } };

export default defineConfig(mergeConfig({ ...common, test: { ...common.test, include: [] } }, pictures));
