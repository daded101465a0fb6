// The package as people get it: packed, installed into an empty folder, imported and required, with its types; and there
// the examples and the README's bot against a real server.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { join, PASSWORD, texts, until, type Somebody } from './help/people.js';
import { NODE, Program } from './help/program.js';
import { examplesOf } from './help/readme.js';
import { TestServer } from './help/server.js';

const sdk = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(path(sdk, 'README.md'), 'utf8');
const { resolve } = createRequire(import.meta.url);

let app: string;
let server: TestServer;
const npm = (args: readonly string[], cwd: string) =>
  execFileSync('npm', [...args, '--silent', '--no-audit', '--no-fund'], { cwd, encoding: 'utf8' });

beforeAll(async () => {
  app = mkdtempSync(path(tmpdir(), 'palabre-package-'));
  const packed = npm(['pack', '--pack-destination', app], sdk).trim().split('\n').at(-1) ?? '';
  writeFileSync(path(app, 'package.json'), '{ "private": true }');
  npm(['install', '--offline', `./${packed}`], app);
  // The packages that programs install beside it.
  const modules = path(app, 'node_modules');
  const installed = path(resolve('ws/package.json'), '../..');
  symlinkSync(path(installed, 'ws'), path(modules, 'ws'));
  mkdirSync(path(modules, '@types'));
  for (const name of ['node', 'ws'])
    symlinkSync(path(installed, '@types', name), path(modules, '@types', name));
  server = await TestServer.start();
}, 300_000);
afterAll(async () => {
  await server?.stop();
  rmSync(app, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const file = path(app, name);
  writeFileSync(file, text);
  return file;
}

function node(name: string, text: string): string {
  return execFileSync(NODE, [write(name, text)], { cwd: app, encoding: 'utf8' }).trim();
}

/** The compiler's complaints about these files. */
function complaints(files: readonly string[], options: ts.CompilerOptions): string[] {
  const strict: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2022.d.ts'],
    types: [],
    typeRoots: [path(app, 'node_modules/@types')],
    ...options,
  };
  const found = ts.getPreEmitDiagnostics(ts.createProgram([...files], strict));
  return found.map(
    (it) => `${it.file?.fileName ?? ''} ${ts.flattenDiagnosticMessageText(it.messageText, '\n')}`,
  );
}

describe('it is installed', () => {
  test('it is not private, and has nothing in it but what it needs', () => {
    const installed = path(app, 'node_modules/@palabre/sdk');
    const about = JSON.parse(readFileSync(path(installed, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect([about.private, about.dependencies]).toEqual([undefined, undefined]);
    expect(readdirSync(installed).sort()).toEqual(['README.md', 'dist', 'examples', 'package.json']);
  });

  const names =
    'Object.keys(sdk).sort().join() + "|" + Object.keys(node).join() + "|" + new sdk.Backoff().next(1)';

  test('it is imported and required, and gives the same', () => {
    const imported = node(
      'imports.mjs',
      `import * as sdk from '@palabre/sdk'; import * as node from '@palabre/sdk/node'; console.log(${names});`,
    );
    const required = node(
      'requires.cjs',
      `const sdk = require('@palabre/sdk'), node = require('@palabre/sdk/node'); console.log(${names});`,
    );
    expect(imported).toMatch(/^Backoff,Bot,Client,.*\|fileStorage\|/);
    expect(required.replace(/\d+$/, '')).toBe(imported.replace(/\d+$/, ''));
  });

  const uses = `
    async function run(): Promise<string> {
      const client: Client = new Bot({ url: 'http://localhost', storage: memoryStorage(), now: () => 0 });
      const { id } = await client.command('room.get', { name: 'kitchen' });
      // @ts-expect-error: a room has a name, and it is a text
      await client.command('room.get', { name: 7 });
      for await (const message of new Bot({ url: '' }).messages()) return message.text ?? String(id);
      return client.state.conversations.get(id)?.row.name ?? '';
    }
    void run();`;

  test('it has types for both, also where there are neither those of a browser nor those of Node', () => {
    const modern = write('types.mts', `import { Bot, Client, memoryStorage } from '@palabre/sdk';${uses}`);
    const older = write(
      'types.cts',
      `import sdk = require('@palabre/sdk'); import type { Client } from '@palabre/sdk';
       const { Bot, memoryStorage } = sdk;${uses}`,
    );
    expect(complaints([modern, older], {})).toEqual([]);
    const bundled = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
    expect(complaints([modern], { ...bundled, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] })).toEqual([]);
    const plain = write('types.ts', `import { Bot, Client, memoryStorage } from '@palabre/sdk';${uses}`);
    const oldest = { module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 };
    expect(complaints([plain], oldest)).toEqual([]);
  }, 120_000);

  test('the README’s examples have no errors of types', () => {
    const files = examplesOf(readme).map(({ title, code }) =>
      write(`${title.replaceAll(' ', '-')}.mts`, code),
    );
    expect(complaints(files, { types: ['node'] })).toEqual([]);
  }, 120_000);
});

describe('programs', () => {
  let ann: Somebody;
  let kitchen: number;
  const running: Program[] = [];

  beforeAll(async () => {
    ann = await join(server.url, 'ann');
    kitchen = (await ann.client.command('conversation.create', { kind: 'room', name: 'kitchen' })).id;
    await ann.client.open(kitchen);
    cpSync(path(app, 'node_modules/@palabre/sdk/examples'), app, { recursive: true });
  });
  afterAll(() => ann?.client.dispose());
  afterEach(async () => {
    for (const program of running.splice(0)) await program.kill();
  });

  function run(file: string, args: readonly string[] = [], env: Record<string, string> = {}): Program {
    const program = new Program(path(app, file), {
      cwd: app,
      args,
      env: { PALABRE_URL: server.url, PALABRE_PASSWORD: PASSWORD, ...env },
    });
    running.push(program);
    return program;
  }

  const say = (text: string) => ann.client.delivered(ann.client.send(kitchen, text));
  const hears = (text: string) =>
    until(ann.client, () => texts(ann.client, kitchen).includes(text), `ann hears "${text}"`);
  const times = (text: string) => texts(ann.client, kitchen).filter((it) => it === text).length;

  /** The bot is in the room, and what is said from now on is for it. */
  const isThere = (name: string) =>
    until(
      ann.client,
      ({ conversations }) =>
        [...(conversations.get(kitchen)?.members?.values() ?? [])].some(({ user }) => user.username === name),
      `${name} is in the kitchen`,
    );

  test('the README’s bot hears and answers, on its second run too, also what was said between', async () => {
    const { code = '' } = examplesOf(readme).find(({ title }) => title === 'A bot') ?? {};
    const text = code.replaceAll('http://localhost:8080', server.url).replaceAll("'echo'", "'parrot'");
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    write('readme-bot.mjs', outputText);
    const first = run('readme-bot.mjs');
    await isThere('parrot');
    await say('!echo first');
    await hears('first');
    expect([await first.interrupt(), first.output]).toEqual([0, '']);
    await say('!echo between');
    const second = run('readme-bot.mjs');
    await hears('between');
    await say('!echo second');
    await hears('second');
    expect([await second.interrupt(), second.output]).toEqual([0, '']);
    expect(['first', 'between', 'second'].map(times)).toEqual([1, 1, 1]);
  });

  test('examples/echo-bot.mjs answers, and says nothing twice after it was killed', async () => {
    const first = run('echo-bot.mjs', ['kitchen']);
    await first.prints('listening in kitchen');
    await say('!echo one');
    await hears('one');
    await first.kill();
    await say('!echo two');
    const second = run('echo-bot.mjs', ['kitchen']);
    await hears('two');
    expect(await second.interrupt()).toBe(0);
    expect(['one', 'two'].map(times)).toEqual([1, 1]);
  });

  test('examples/counting-bot.mjs counts each message once, over several runs', async () => {
    const first = run('counting-bot.mjs');
    await first.prints('counting');
    const { users } = await ann.client.command('user.list', { prefix: 'counter' });
    const user = users.find(({ username }) => username === 'counter')?.id ?? 0;
    await ann.client.command('member.add', { conversation: kitchen, user });
    await first.prints('now in kitchen');
    for (const text of ['a', 'b']) await say(text);
    await first.prints('ann: 2');
    await first.kill();
    for (const text of ['c', 'd']) await say(text);
    const second = run('counting-bot.mjs');
    await second.prints('ann: 4');
    expect(await second.interrupt()).toBe(0);
    expect(second.output).not.toContain('ann: 5');
  });

  test('examples/client.mjs shows the history and what comes, and says what is typed', async () => {
    await say('before it came');
    await join(server.url, 'zoe').then(({ client }) => client.logOut());
    const program = run('client.mjs', ['kitchen'], { PALABRE_USERNAME: 'zoe' });
    await program.prints('ann: before it came');
    await say('while it is here');
    await program.prints('ann: while it is here');
    program.type('hello from the terminal');
    await hears('hello from the terminal');
    program.type('the last words');
    program.type();
    expect(await program.ends()).toBe(0);
    await hears('the last words');
  });

  test('examples/post.mjs posts and ends, and uses its session again', async () => {
    for (const text of ['The backup is done.', 'The next one too.']) {
      const program = run('post.mjs', ['kitchen', text]);
      expect([await program.ends(), program.output]).toEqual([0, expect.stringContaining('said as number')]);
      await hears(text);
    }
    const wrong = run('post.mjs', ['attic', 'nobody hears this']);
    expect(await wrong.ends()).toBe(1);
    expect(wrong.output).toContain('not_found');
  });
});
