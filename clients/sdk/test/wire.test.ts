import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
// @ts-expect-error a plain script has no types
import { generate } from '../scripts/generate.mjs';
import { firstOperations } from '../src/operation.js';
import { operations } from '../src/operations.js';

test('what is generated is that of the documents', async () => {
  const texts = await (generate as () => Promise<Record<string, string>>)();
  for (const [name, text] of Object.entries(texts)) {
    const there = await readFile(new URL(`../src/${name}`, import.meta.url), 'utf8');
    expect(there === text, `${name}: run \`npm run generate -w sdk\``).toBe(true);
  }
});

test('the calls without a socket are those of the documents', () => {
  const of = (table: object) =>
    Object.fromEntries(Object.entries(table).filter(([type]) => type in firstOperations));
  expect(of(firstOperations)).toEqual(of(operations));
});

test('every command but those of the socket has a REST call', () => {
  const without = Object.entries(operations).filter(([, operation]) => operation === null);
  expect(without.map(([type]) => type)).toEqual(['authenticate', 'ping', 'presence.active']);
});
