import { findsName, shownNameOf, type User } from '@palabre/sdk';
import { currentLanguage, day } from '../i18n.svelte';
import { client, town } from '../town/town.svelte';
import { inLanguage, inProtocol } from './aliases';
import { begun, type Piece } from './pieces';
import { operatorWords, t } from './words';

/** A suggestion that replaces the piece that is being typed. */
export interface Suggestion {
  /** As it is written in the page's language. */
  readonly text: string;
  /** Its meaning: the name of a person or place, or a word for an operator. */
  readonly meaning: string;
}

/** Suggestions at most. */
const MOST = 8;
/** After this rest of the keys the server is asked. */
const REST = 100;
const OPERATORS = ['from', 'in', 'before', 'after', 'on', 'has', 'is', 'type'] as const;
const DAYS = ['before', 'after', 'on'];
const DAY = 86_400_000;

/** The suggestions while somebody types a search. */
export class Completing {
  list = $state.raw<readonly Suggestion[]>([]);
  /** Which one the keys have come to; -1 while they are in the field. */
  at = $state(-1);
  #piece: Piece | null = null;
  #current = 0;
  #timer = 0;

  /** Where a suggestion is put. */
  get piece(): Piece | null {
    return this.#piece;
  }

  /** Looks for what could be written at this place. */
  look(q: string, caret: number) {
    this.close();
    const piece = begun(q, caret);
    if (piece.text === '') return;
    this.#piece = piece;
    const text = inProtocol(piece.text, currentLanguage());
    this.list = known(text);
    const mine = this.#current;
    this.#timer = window.setTimeout(async () => {
      const found = await asked(text);
      if (mine !== this.#current) return;
      const texts = new Set(this.list.map((one) => one.text));
      this.list = [...this.list, ...found.filter((one) => !texts.has(one.text))].slice(0, MOST);
    }, REST);
  }

  /** Forgets what was suggested. */
  close() {
    this.#current += 1;
    clearTimeout(this.#timer);
    [this.list, this.at, this.#piece] = [[], -1, null];
  }

  /** Goes to the next suggestion, or the one before; past the ends it is the field again. */
  step(by: 1 | -1) {
    const places = this.list.length + 1;
    this.at = ((this.at + 1 + by + places) % places) - 1;
  }
}

const suggestion = (text: string, meaning: string): Suggestion => ({
  text: inLanguage(text, currentLanguage()),
  meaning,
});

/** Suggestions that the page knows by itself. */
function known(text: string): Suggestion[] {
  const [, operator, value = ''] = /^(\w+):(.*)$/s.exec(text) ?? [];
  if (operator === undefined) return operators(text);
  if (DAYS.includes(operator)) return days(operator, value);
  if (operator === 'in') return places(value.replace(/^["“«@#]/, ''));
  return [];
}

/** The operators that are called so in the page's language or in English. */
function operators(typed: string): Suggestion[] {
  const begins = (text: string) => text.toLowerCase().startsWith(typed.toLowerCase());
  return OPERATORS.filter(
    (name) => begins(`${name}:`) || begins(inLanguage(`${name}:`, currentLanguage())),
  ).map((name) => suggestion(`${name}:`, operatorWords()[name]));
}

/** Days that are often meant, of which what was typed is the beginning. */
function days(operator: string, value: string): Suggestion[] {
  const now = Date.now();
  return [0, 1, 7, 30].flatMap((back) => {
    const date = new Date(now - back * DAY);
    const two = (n: number) => String(n).padStart(2, '0');
    const written = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    return written.startsWith(value) ? [suggestion(`${operator}:${written}`, day(date))] : [];
  });
}

/** Direct conversations and groups of this name; the server knows the rooms. */
function places(value: string): Suggestion[] {
  return town.list
    .filter((one) => one.row.kind !== 'room' && findsName(town.titleOf(one), value))
    .slice(0, MOST)
    .map((one) => suggestion(one.peer ? `in:@${one.peer.username}` : `in:${one.id}`, town.titleOf(one)));
}

/** The server's suggestions; none if it is of an earlier version. */
async function asked(q: string): Promise<Suggestion[]> {
  if (!q.includes(':')) return [];
  const answer = await client.command('search.complete', { q, limit: MOST }).catch(() => null);
  return (answer?.suggestions ?? []).map(({ text, user, room }) =>
    suggestion(text, user ? nameOf(user) : (room?.name ?? meaningOf(text))),
  );
}

const nameOf = (user: User) => (user.id === town.me?.id ? t().me : shownNameOf(user));

/** The meaning of a fixed value. */
function meaningOf(text: string): string {
  const value = text.slice(text.indexOf(':') + 1);
  const names: Readonly<Record<string, string>> = operatorWords();
  return value === 'me' ? t().me : (names[value] ?? value);
}
