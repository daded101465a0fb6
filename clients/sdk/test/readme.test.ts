// The examples run as they stand, in their order, against a real server.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { examplesOf } from './help/readme.js';
import { TestServer } from './help/server.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const readme = await readFile(join(here, '../README.md'), 'utf8');
const examples = examplesOf(readme);

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await TestServer.start();
  // In here, so that what the examples import is found.
  folder = await mkdtemp(join(here, 'readme-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test('there are examples', () => {
  expect(examples.map(({ title }) => title)).toEqual([
    'Say something',
    'Show what is there',
    'What is being written',
    'Threads',
    'What is saved',
    'A bot',
    'Telling a person',
    'Texts',
  ]);
  expect(readme.match(/^```(?:ts|js)$/gm)).toHaveLength(examples.length);
});

const said: Readonly<Record<string, readonly string[]>> = {
  'Show what is there': ['1 kitchen: 0 unread, last: Hello, kitchen!', '  ann: Hello, kitchen!'],
  Threads: ['Hello, kitchen! 0', '0'],
  'What is saved': ['Hello, kitchen!'],
  Texts: ['See THIS: https://example.org/a <https://example.org/a>, @ann: x < y', '• one\n• two'],
};

// The bot runs as a program of its own, which stays: see package.test.ts.
test.each(examples.filter(({ title }) => title !== 'A bot'))('$title', async ({ title, code }) => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const file = join(folder, `${title.replaceAll(' ', '-')}.ts`);
  await writeFile(file, code.replaceAll('http://localhost:8080', server.url));
  await import(/* @vite-ignore */ file);
  const lines = log.mock.calls.map((call) => call.join(' '));
  log.mockRestore();
  expect(lines).toEqual(said[title] ?? []);
});
