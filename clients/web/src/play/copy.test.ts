import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { asCurl, asSdkCode, literal, shellQuote, type Command } from './copy';

const SERVER = 'http://127.0.0.1:8080';

/** Texts that a careless shell or program would take for something else. */
const HOSTILE = [
  '',
  'plain',
  "it's Ada's",
  "'; rm -rf / #",
  '"double" and \\backslash\\',
  '\\\'"',
  'two\nlines\r\n\tand a tab',
  '$HOME ${HOME} $(id) $((1+1))',
  '`id`',
  '@/etc/passwd',
  '!! !$ ~ * ? [a] {b,c} <in >out & | ;',
  '-n --help',
  'é 👍🏽 \u202e right to left \u2028',
  '%s %n ${`x`}',
];

/** The words that a real shell passes on; a function in place of curl prints its arguments. */
function shellWords(line: string, variables: Record<string, string> = {}): string[] {
  const script = `curl() { for word; do printf '%s\\0' "$word"; done; }\n${line}\n`;
  const out = execFileSync('/bin/sh', ['-c', script], { env: variables, encoding: 'utf8' });
  return out.split('\0').slice(0, -1);
}

function curl(command: Command): string {
  const line = asCurl(command, SERVER);
  if (line === null) throw new Error(`${command.type} has no curl form`);
  return line;
}

const send = (text: string): Command => ({
  type: 'message.send',
  data: { conversation: 3, client_id: 'a1', text },
});

describe('a word of the shell', () => {
  it.each(HOSTILE)('means exactly its text: %j', (text) => {
    expect(shellWords(`curl ${shellQuote(text)}`)).toEqual([text]);
  });
});

describe('a command as curl', () => {
  it.each(HOSTILE)('hands the body over unharmed: %j', (text) => {
    const words = shellWords(curl(send(text)), { TOKEN: 'secret' });
    expect(words.slice(0, -1)).toEqual([
      '-X',
      'POST',
      `${SERVER}/v1/conversations/3/messages`,
      '-H',
      'Authorization: Bearer secret',
      '-H',
      'Content-Type: application/json',
      '--data-raw',
    ]);
    expect(JSON.parse(words.at(-1) ?? '')).toEqual({ client_id: 'a1', text });
  });

  it('puts fields into the path, encoded', () => {
    const words = shellWords(
      curl({ type: 'reaction.add', data: { conversation: 3, seq: 7, emoji: "👍/'?" } }),
    );
    expect(words[2]).toBe(`${SERVER}/v1/conversations/3/messages/7/reactions/%F0%9F%91%8D%2F'%3F`);
    expect(words).toHaveLength(5);
  });

  it('puts fields into the query, and leaves out what is null', () => {
    const data = { conversation: 3, before_seq: 40, limit: null };
    const words = shellWords(curl({ type: 'message.history', data }));
    expect(words[0]).toBe(`${SERVER}/v1/conversations/3/messages?before_seq=40`);
  });

  it('never has the token, only the variable', () => {
    expect(curl(send('hello'))).toContain('"Authorization: Bearer $TOKEN"');
  });

  it('has variables in place of passwords', () => {
    const data = { current: 'old secret', new: 'new secret' };
    const line = curl({ type: 'account.password', data });
    expect(line).not.toContain('secret');
    const words = shellWords(line, { PASSWORD: 'one', NEW_PASSWORD: 'two' });
    expect(JSON.parse(words.at(-1) ?? '')).toEqual({ current: 'one', new: 'two' });
  });

  it('has both plain and secret fields', () => {
    const line = curl({ type: 'session.create', data: { username: "d'Arc", password: 'secret' } });
    expect(line).not.toContain('Authorization');
    const body = shellWords(line, { PASSWORD: 'one' }).at(-1) ?? '';
    expect(JSON.parse(body)).toEqual({ username: "d'Arc", password: 'one' });
  });

  it('is not there for what has no REST form', () => {
    for (const type of ['authenticate', 'ping', 'no.such', 'toString', '__proto__']) {
      expect(asCurl({ type, data: {} }, SERVER)).toBeNull();
    }
  });
});

describe('a command as code', () => {
  // The code is run, not only looked at.
  const evaluated = (code: string) => new Function(`return (${code});`)() as unknown;

  it.each(HOSTILE)('has the very same text: %j', (text) => {
    expect(evaluated(literal(text))).toBe(text);
    expect(evaluated(literal({ text, [text]: [text] }))).toEqual({ text, [text]: [text] });
  });

  it('has a field that is called __proto__ as a field', () => {
    const data = JSON.parse('{"__proto__":{"admin":true}}') as unknown;
    const copied = evaluated(literal(data)) as object;
    expect(Object.getPrototypeOf(copied)).toBe(Object.prototype);
    expect(Object.keys(copied)).toEqual(['__proto__']);
  });

  it('is a whole program', () => {
    expect(asSdkCode(send("it's me"), SERVER, 'ada-1')).toBe(
      [
        "import { Client } from '@palabre/sdk';",
        '',
        "const client = new Client({ url: 'http://127.0.0.1:8080' });",
        "await client.logIn({ username: 'ada-1', password: process.env.PASSWORD ?? '' });",
        "const answer = await client.command('message.send', {",
        '  conversation: 3,',
        "  client_id: 'a1',",
        "  text: 'it\\'s me',",
        '});',
        'console.log(answer);',
        '',
      ].join('\n'),
    );
  });

  it('has variables in place of secrets', () => {
    const code = asSdkCode(
      { type: 'account.password', data: { current: 'a b c', new: 'd e f' } },
      SERVER,
      'x',
    );
    expect(code).not.toMatch(/a b c|d e f/);
    expect(code).toContain("current: process.env.PASSWORD ?? ''");
  });

  it('says what the SDK does by itself, and what it does not know', () => {
    expect(asSdkCode({ type: 'authenticate', data: { token: 'eyJ' } }, SERVER, 'x')).toContain(
      'client.connect()',
    );
    expect(asSdkCode({ type: 'no.such', data: {} }, SERVER, 'x')).toContain('@ts-expect-error');
  });
});
