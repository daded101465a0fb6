import { sameName, shownNameOf, type ConversationState, type Person } from '@palabre/sdk';
import { town } from '../town/town.svelte';
import { knownIn } from './known';

/** Letters and signs that look like a Latin one, by what they look like: Cyrillic, Greek, Armenian and figures. */
const ALIKE = {
  a: 'аα',
  b: 'Ьв',
  c: 'сϲ',
  d: 'ԁ',
  e: 'еҽ',
  g: 'ɡց',
  h: 'һհ',
  i: 'іιɩ',
  j: 'јϳ',
  k: 'кκ',
  l: '1|ӏǀ',
  m: 'м',
  n: 'ոп',
  o: '0оοօσ',
  p: 'рρ',
  q: 'ԛգ',
  r: 'г',
  s: 'ѕ',
  t: 'тτ',
  u: 'υս',
  v: 'ѵν',
  w: 'ԝωѡ',
  x: 'хχ',
  y: 'уγү',
  z: 'ᴢ',
};
const LIKE = new Map(
  Object.entries(ALIKE).flatMap(([latin, others]) => [...others].map((other) => [other, latin] as const)),
);

/** What names have in common that look alike. A little coarser than the server's skeletons, which usernames have to
    pass: here two names that are told apart without need cost a username beside them, and no more. */
export function likeness(name: string): string {
  const letters = [...name.replaceAll('I', 'l').normalize('NFKD').replace(/\p{M}/gu, '')];
  return sameName(letters.map((letter) => LIKE.get(letter.toLowerCase()) ?? letter).join(''))
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('i', 'l')
    .replace(/[^\p{L}\p{N}\p{S}]/gu, '');
}

interface Known {
  readonly people: unknown;
  /** The owner of a name that looks like this: the person, or null if it is several. */
  readonly whose: ReadonlyMap<string, number | null>;
}

const known = new WeakMap<object, Known>();

/** Whether somebody else in the conversation has a name that looks like this person's, or is their username. */
export function hasTwin(person: Person, conversation: ConversationState): boolean {
  const among = conversation.members ?? conversation.timeline?.messages;
  if (!among) return false;
  let names = known.get(among);
  if (names?.people !== town.people) {
    names = { people: town.people, whose: whose(knownIn(conversation)) };
    known.set(among, names);
  }
  const holder = names.whose.get(likeness(town.nameOf(person)));
  return holder !== undefined && holder !== person.id;
}

function whose(people: readonly Person[]): ReadonlyMap<string, number | null> {
  const all = new Map<string, number | null>();
  for (const person of people) {
    const user = town.people.get(person.id)?.user;
    // Somebody's display name may be another's username.
    for (const name of new Set([
      likeness(user ? shownNameOf(user) : person.username),
      likeness(person.username),
    ])) {
      const holder = all.get(name);
      all.set(name, holder === undefined || holder === person.id ? person.id : null);
    }
  }
  return all;
}
