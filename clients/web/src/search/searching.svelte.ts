import type { SearchResult } from '@palabre/sdk';
import { currentLanguage } from '../i18n.svelte';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { inEnglish } from './aliases';

/** After this rest of the keys is searched. */
const REST = 250;

/** How far this device's clock is from UTC. */
function utcOffset(): string {
  const minutes = -new Date().getTimezoneOffset();
  const digits = (n: number) => String(Math.trunc(n)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${digits(size / 60)}:${digits(size % 60)}`;
}

/** A search in one conversation or everywhere, and what it has found. */
export class Searching {
  q = $state('');
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
    const typed = this.q.trim();
    const q = currentLanguage() === 'fr' ? inEnglish(typed) : typed;
    if (q === '') {
      this.results = [];
      [this.next, this.problem, this.busy] = [undefined, '', false];
      return;
    }
    this.busy = true;
    const place = this.conversation === null ? {} : { conversation: this.conversation };
    const from = cursor === null ? {} : { cursor };
    try {
      const found = await client.command('message.search', { q, utc_offset: utcOffset(), ...place, ...from });
      if (mine !== this.#current) return;
      this.results = cursor === null ? found.results : [...this.results, ...found.results];
      [this.next, this.problem] = [found.next_cursor, ''];
    } catch (error) {
      if (mine !== this.#current) return;
      this.problem = reason(error);
    }
    this.busy = false;
  }
}

let last = new Searching(null);

/** The search there; the last one, as it was left, if it was there, too: so one comes back to it. */
export function searchingIn(conversation: number | null, q: string): Searching {
  if (last.conversation !== conversation || (q !== '' && q !== last.q)) {
    last = new Searching(conversation);
    if (q !== '') {
      last.q = q;
      void last.search();
    }
  }
  return last;
}
