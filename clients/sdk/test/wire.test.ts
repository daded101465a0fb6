import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
// @ts-expect-error a plain script has no types
import { generate } from '../scripts/generate.mjs';
import { operations } from '../src/wire.js';

test('the generated types are those of the documents', async () => {
  const there = await readFile(new URL('../src/wire.ts', import.meta.url), 'utf8');
  const fresh = (await (generate as () => Promise<string>)()) === there;
  expect(fresh, 'run `npm run generate -w sdk`').toBe(true);
});

test('every command but those of the socket has a REST call', () => {
  const without = Object.entries(operations).filter(([, operation]) => operation === null);
  expect(without.map(([type]) => type)).toEqual(['authenticate', 'ping', 'presence.active']);
});
