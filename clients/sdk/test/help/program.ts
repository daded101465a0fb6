// A program in a process of its own, and what it prints.
import { spawn, type ChildProcess } from 'node:child_process';

/** The Node that programs run on: `SDK_NODE`, else the one that runs the tests. */
export const NODE = process.env.SDK_NODE ?? process.execPath;

export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';
  #looks: () => void = () => undefined;

  constructor(
    file: string,
    options: { cwd: string; args?: readonly string[]; env?: Record<string, string> },
  ) {
    const { cwd, args = [], env = {} } = options;
    this.#child = spawn(NODE, [file, ...args], { cwd, env: { PATH: process.env.PATH, ...env } });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#looks();
      });
    }
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  get output(): string {
    return this.#output;
  }

  /** Types a line; without one, ends the input. */
  type(line?: string): void {
    if (line === undefined) this.#child.stdin?.end();
    else this.#child.stdin?.write(`${line}\n`);
  }

  /** Waits until it has printed this. */
  async prints(text: string): Promise<void> {
    const printed = new Promise<void>((resolve) => {
      this.#looks = () => void (this.#output.includes(text) && resolve());
      this.#looks();
    });
    await Promise.race([
      printed,
      this.#ended.then((code) => {
        if (!this.#output.includes(text)) throw new Error(`it has ended (${code}) with:\n${this.#output}`);
      }),
    ]);
  }

  /** Waits until it has ended; its exit code. */
  ends(): Promise<number | null> {
    return this.#ended;
  }

  /** Asks it to end (Ctrl-C), and waits. */
  interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.#ended;
  }

  /** It can do nothing any more. */
  kill(): Promise<number | null> {
    this.#child.kill('SIGKILL');
    return this.#ended;
  }
}
