// The real program, in a process of its own with its own data, which can be killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BINARY =
  process.env.PALABRE_BINARY ?? fileURLToPath(new URL('../../../../target/debug/palabre', import.meta.url));
const START_MS = 30_000;

/** Limits that people in tests do not reach. */
const PLENTY: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'MESSAGES_PER_MINUTE',
    'MESSAGE_BURST',
    'REQUESTS_PER_MINUTE',
    'REQUEST_BURST',
    'REGISTRATIONS_PER_HOUR',
  ].map((name) => [`PALABRE_LIMITS__${name}`, '1000000']),
);

export class TestServer {
  readonly url: string;
  readonly #port: number;
  readonly #data: string;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;

  private constructor(port: number, environment: Readonly<Record<string, string>>) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#environment = { ...PLENTY, ...environment };
    this.#data = mkdtempSync(join(tmpdir(), 'palabre-sdk-'));
  }

  /** Starts one on a free port, with fresh data. */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<TestServer> {
    if (!existsSync(BINARY)) {
      throw new Error(
        `${BINARY} is not there: build it with \`cargo build -p palabre\`, or set PALABRE_BINARY`,
      );
    }
    const server = new TestServer(await freePort(), environment);
    await server.restart();
    return server;
  }

  /** Starts it again on the same port and data. */
  async restart(): Promise<void> {
    await this.kill();
    const log = openSync(this.#log, 'a');
    const listen = `127.0.0.1:${this.#port}`;
    this.#child = spawn(BINARY, ['serve', '--listen', listen, '--data-dir', this.#data], {
      cwd: this.#data,
      env: { PATH: process.env.PATH, ...this.#environment },
      stdio: ['ignore', log, log],
    });
    await this.#ready();
  }

  /** SIGKILL: it can do nothing any more. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Kills it and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }

  get #log(): string {
    return join(this.#data, 'server.log');
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + START_MS;
    for (;;) {
      const answer = await fetch(`${this.url}/ready`).catch(() => null);
      if (answer?.ok) return;
      const ended = this.#child?.exitCode;
      if (typeof ended === 'number' || Date.now() > deadline) {
        const end = readFileSync(this.#log, 'utf8').split('\n').slice(-20).join('\n');
        throw new Error(`the server did not get ready (exit code ${ended}):\n${end}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
