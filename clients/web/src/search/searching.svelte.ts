import type { SearchResult } from '@palabre/sdk';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { currentLanguage } from '../i18n.svelte';
import { inProtocol } from './aliases';
import { unknownValue } from './unknown';

/** After this rest of the keys is searched. */
const REST = 250;

/** How far this device's clock is from UTC. */
function utcOffset(): string {
  const minutes = -new Date().getTimezoneOffset();
  const digits = (n: number) => String(Math.trunc(n)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${digits(size / 60)}:${digits(size % 60)}`;
}

/** In which order results come. */
export type Order = 'newest' | 'best';

/** A search in one conversation or everywhere, and what it has found. */
export class Searching {
  q = $state('');
  order = $state<Order>('newest');
  results = $state.raw<readonly SearchResult[]>([]);
  busy = $state(false);
  problem = $state('');
  /** Where to go on; null if there is nothing more, undefined before the first answer. */
  next = $state<string | null | undefined>(undefined);
  #current = 0;
  #timer = 0;

  constructor(readonly conversation: number | null) {}

  /** Takes what is typed, and searches after a rest. */
  type(q: string) {
    this.q = q;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.search(), REST);
  }

  /** Has the results in another order. */
  put(order: Order) {
    this.order = order;
    void this.search();
  }

  /** Searches anew. */
  async search() {
    clearTimeout(this.#timer);
    await this.#ask(null);
  }

  /** Fetches older results. */
  async more() {
    if (!this.busy && this.next) await this.#ask(this.next);
  }

  async #ask(cursor: string | null) {
    const mine = ++this.#current;
    // An operator whose value is not there yet asks for nothing.
    const typed = this.q.trim().replace(/(^|\s)\p{L}+:$/u, '');
    const q = inProtocol(typed, currentLanguage());
    if (q === '') {
      this.results = [];
      [this.next, this.problem, this.busy] = [undefined, '', false];
      return;
    }
    this.busy = true;
    const place = this.conversation === null ? {} : { conversation: this.conversation };
    const from = cursor === null ? {} : { cursor };
    // A server of an earlier version knows only the one order.
    const order = this.order === 'newest' ? {} : { order: this.order };
    try {
      const asked = { q, utc_offset: utcOffset(), ...place, ...order, ...from };
      const found = await client.command('message.search', asked);
      if (mine !== this.#current) return;
      const known = new Set(cursor === null ? [] : this.results.map(({ message }) => message.id));
      const more = found.results.filter(({ message }) => !known.has(message.id));
      this.results = cursor === null ? found.results : [...this.results, ...more];
      [this.next, this.problem] = [found.next_cursor, ''];
      client.loadPeople(found.results.map(({ message }) => message.author.id));
    } catch (error) {
      if (mine !== this.#current) return;
      this.problem = unknownValue(typed, currentLanguage()) ?? reason(error);
    }
    this.busy = false;
  }
}

let last = new Searching(null);

/** The search there; the last one, as it was left, if it was there, too: so one comes back to it. */
export function searchingIn(conversation: number | null, q: string): Searching {
  if (last.conversation !== conversation || (q !== '' && q !== last.q)) {
    const { order } = last;
    last = new Searching(conversation);
    last.order = order;
    if (q !== '') {
      last.q = q;
      void last.search();
    }
  }
  return last;
}
