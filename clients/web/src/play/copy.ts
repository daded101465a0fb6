// A command of the wire as something to paste elsewhere: a curl call, or code with the SDK.
import { operations, requestOf, type CommandType, type Operation } from '@palabre/sdk';

/** A command frame without its id. */
export interface Command {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The fields that are never copied, and the shell variable in place of each. */
const SECRETS: Readonly<Record<string, string>> = {
  token: 'TOKEN',
  password: 'PASSWORD',
  current: 'PASSWORD',
  new: 'NEW_PASSWORD',
  refresh_token: 'REFRESH_TOKEN',
  setup_secret: 'SETUP_SECRET',
};

/** A word of a POSIX shell that means exactly this text: within single quotes nothing is special but themselves. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The REST call of a command; null if it exists on the socket only, or not at all. */
export function asCurl(command: Command, server: string): string | null {
  const operation = operationOf(command.type);
  if (!operation) return null;
  const { path, body } = requestOf(operation, command.data);
  const method = operation.method === 'GET' ? '' : `-X ${operation.method} `;
  const lines = [`curl ${method}${shellQuote(server.replace(/\/+$/, '') + path)}`];
  if (operation.secured) lines.push('-H "Authorization: Bearer $TOKEN"');
  if (body) {
    lines.push("-H 'Content-Type: application/json'");
    // Not --data: that would read a file for a body that begins with @.
    lines.push(`--data-raw ${shellBody(body)}`);
  }
  return lines.join(' \\\n  ');
}

function operationOf(type: string): Operation | null {
  return Object.hasOwn(operations, type) ? operations[type as CommandType] : null;
}

/** A JSON body as a word of the shell, in which variables stand for the secrets. */
function shellBody(body: Record<string, unknown>): string {
  const [secret, plain] = [Object.entries(body).filter(isSecret), Object.entries(body).filter(isPlain)];
  const json = JSON.stringify(Object.fromEntries(plain));
  if (secret.length === 0) return shellQuote(json);
  const fields = secret.map(([field]) => `'"${field}":"'"$${SECRETS[field]}"'"'`);
  const rest = plain.length > 0 ? `${shellQuote(`,${json.slice(1)}`)}` : "'}'";
  return `'{'${fields.join("','")}${rest}`;
}

const isSecret = ([field, value]: [string, unknown]) =>
  Object.hasOwn(SECRETS, field) && typeof value === 'string';
const isPlain = (entry: [string, unknown]) => !isSecret(entry);

/** The same with the SDK: a whole program, so that it can be run as it is. */
export function asSdkCode(command: Command, server: string, username: string): string {
  return [
    "import { Client } from '@palabre/sdk';",
    '',
    `const client = new Client({ url: ${literal(server)} });`,
    `await client.logIn({ username: ${literal(username)}, password: process.env.PASSWORD ?? '' });`,
    ...call(command),
    '',
  ].join('\n');
}

function call({ type, data }: Command): string[] {
  if (type === 'authenticate')
    return ['client.connect(); // It authenticates, with the cursors that it has.'];
  const lines = [`const answer = await client.command(${literal(type)}, ${literal(data)});`];
  if (!Object.hasOwn(operations, type)) lines.unshift('// @ts-expect-error There is no such command.');
  else if (!operationOf(type)) lines.unshift('// On the socket only: after client.connect().');
  return [...lines, 'console.log(answer);'];
}

/** A JSON value as TypeScript writes it. */
export function literal(value: unknown, indent = ''): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((item) => literal(item, inner))
    : Object.entries(value).map(([field, item]) => property(field, item, inner));
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (lines.length === 0) return open + close;
  return `${open}\n${lines.map((line) => `${inner}${line},\n`).join('')}${indent}${close}`;
}

function property(field: string, value: unknown, indent: string): string {
  if (isSecret([field, value])) return `${field}: process.env.${SECRETS[field]} ?? ''`;
  // `__proto__: …` would not be a field, `['__proto__']: …` is.
  const name =
    field === '__proto__' ? "['__proto__']" : /^[A-Za-z_$][\w$]*$/.test(field) ? field : quoted(field);
  return `${name}: ${literal(value, indent)}`;
}

/** JSON's escapes are also JavaScript's; only the quotes differ. */
function quoted(text: string): string {
  const inside = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return `'${inside.replaceAll("'", "\\'")}'`;
}
