// The real program, on a free port of its own, with a data folder of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const BINARY =
  process.env['PALABRE_BINARY'] ?? fileURLToPath(new URL('../../../target/debug/palabre', import.meta.url));
const START_MS = 20_000;

/** Configuration keys, as `limits.message_length`, and their values. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

/** A program that talks faster than people do must not be refused for that. */
const GENEROUS: Settings = {
  'limits.messages_per_minute': 1_000_000_000,
  'limits.message_burst': 1_000_000_000,
  'limits.requests_per_minute': 1_000_000_000,
  'limits.request_burst': 1_000_000_000,
  'limits.registrations_per_hour': 1_000_000_000,
};

/** A port that nobody listens to just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

export class Server {
  readonly url: string;
  readonly port: number;
  readonly #data: string;
  #settings: Settings;
  #process: ChildProcess | null = null;

  private constructor(port: number, settings: Settings) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#settings = { ...GENEROUS, ...settings };
    this.#data = mkdtempSync(join(tmpdir(), 'palabre-e2e-'));
  }

  static async start(settings: Settings = {}): Promise<Server> {
    const server = new Server(await freePort(), settings);
    await server.start();
    return server;
  }

  /** The secret with which the first administrator is made. */
  get setupSecret(): string {
    return readFileSync(join(this.#data, 'setup.secret'), 'utf8').trim();
  }

  /** The server's log so far. */
  get log(): string {
    return readFileSync(join(this.#data, 'log'), 'utf8');
  }

  /** Starts it, again if it ran before: on the same port, with the same data; `changed` settings stay. */
  async start(changed: Settings = {}): Promise<void> {
    this.#settings = { ...this.#settings, ...changed };
    const log = openSync(join(this.#data, 'log'), 'a');
    const child = spawn(BINARY, ['serve', '--listen', `127.0.0.1:${this.port}`, '--data-dir', this.#data], {
      env: { PATH: process.env['PATH'], ...variables(this.#settings) },
      stdio: ['ignore', log, log],
    });
    this.#process = child;
    const failed = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(new Error(`The server ended with code ${code} before it answered:\n${this.log}`)),
      );
    });
    // It may end later, as it should: that is nobody's failure.
    failed.catch(() => {});
    await Promise.race([this.#answers(), failed]);
  }

  async #answers(): Promise<void> {
    const end = Date.now() + START_MS;
    while (Date.now() < end) {
      const answer = await fetch(`${this.url}/v1/server`).catch(() => null);
      if (answer?.ok) return;
      await sleep(50);
    }
    throw new Error(`The server does not answer:\n${this.log}`);
  }

  /** Asks it to stop, as an operator does. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Lets it fall, as a power cut does. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** Ends it and takes its data away. */
  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }
}

function variables(settings: Settings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      `PALABRE_${key.toUpperCase().replace('.', '__')}`,
      String(value),
    ]),
  );
}
