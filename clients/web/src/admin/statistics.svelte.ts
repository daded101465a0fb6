import type { Statistics } from '@palabre/sdk';
import { client } from '../town/town.svelte';
import { withSample, type Sample } from './series';

const EVERY_MS = 2_000;

/** The server's statistics, refreshed while somebody looks at them. */
export class Watch {
  now = $state.raw<Statistics | null>(null);
  samples = $state.raw<readonly Sample[]>([]);
  /** Why the last reading failed; what is shown is older then. */
  problem = $state.raw<unknown>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watching = false;

  /** Starts reading; returns a function that stops it. A page that is hidden asks for nothing. */
  start(): () => void {
    const look = () => {
      const visible = !document.hidden;
      if (visible === this.#watching) return;
      this.#watching = visible;
      clearTimeout(this.#timer);
      if (visible) void this.#read();
    };
    document.addEventListener('visibilitychange', look);
    look();
    return () => {
      document.removeEventListener('visibilitychange', look);
      this.#watching = false;
      clearTimeout(this.#timer);
    };
  }

  async #read(): Promise<void> {
    try {
      const statistics = await client.command('server.statistics', {});
      const { messages_sent, connections, storage_bytes } = statistics;
      this.now = statistics;
      this.samples = withSample(this.samples, { at: Date.now(), messages_sent, connections, storage_bytes });
      this.problem = null;
    } catch (error) {
      this.problem = error;
    }
    clearTimeout(this.#timer);
    if (this.#watching) this.#timer = setTimeout(() => void this.#read(), EVERY_MS);
  }
}
