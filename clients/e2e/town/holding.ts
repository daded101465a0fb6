// Commands on the wire that can be held: what happens between a question and its answer is seen at leisure.
import type { BrowserContext } from 'playwright-core';

/** Holds the commands of one kind that a browser sends, until they are let go. */
export class HeldCommands {
  readonly #kind: string;
  #held: (() => void)[] = [];
  #holds = false;

  constructor(kind: string) {
    this.#kind = kind;
  }

  /** To be called before the page opens. */
  arrange = (context: BrowserContext): Promise<void> =>
    context.routeWebSocket(/\/v1\/ws$/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((frame) => {
        const send = () => server.send(frame);
        const { type } = typeof frame === 'string' ? (JSON.parse(frame) as { type?: string }) : {};
        if (this.#holds && type === this.#kind) this.#held.push(send);
        else send();
      });
    });

  /** How many are held. */
  get count(): number {
    return this.#held.length;
  }

  hold(): void {
    this.#holds = true;
  }

  /** Lets those go that are held, and holds no more. */
  letGo(): void {
    this.#holds = false;
    const held = this.#held;
    this.#held = [];
    for (const send of held) send();
  }
}
