import { findsName, type ConversationState, type UserGroup } from '@palabre/sdk';
import { knownIn } from '../people/known';
import { town } from '../town/town.svelte';

/** Somebody, or several, whom a text can call. */
export interface Candidate {
  key: string;
  /** A person's id; null for several people. */
  person: number | null;
  name: string;
  /** The text behind the @. */
  called: string;
}

interface Words {
  everybody: string;
  present: string;
  group: (size: number) => string;
}

/** Those whom a name that is being typed may mean: people first, then user groups, then everybody. */
export function candidates(
  conversation: ConversationState,
  typed: string,
  groups: readonly UserGroup[] | null,
  words: Words,
): Candidate[] {
  const people = knownIn(conversation)
    .map((user) => ({
      key: `${user.id}`,
      person: user.id,
      name: town.nameOf(user),
      called: user.username,
    }))
    .filter(({ person }) => person !== town.me?.id);
  // Two people have nobody else to call, and an older server calls nobody.
  if (!groups || conversation.row.kind === 'direct') return people.filter((one) => isSought(one, typed));
  const named = groups.map(({ id, name, size }) => ({
    key: `group-${id}`,
    person: null,
    name: words.group(size),
    called: name,
  }));
  const many: Candidate[] = [
    { key: 'here', person: null, name: words.present, called: 'here' },
    { key: 'room', person: null, name: words.everybody, called: 'room' },
  ];
  return [...people, ...named, ...many].filter((one) => isSought(one, typed));
}

function isSought({ name, called }: Candidate, typed: string): boolean {
  return findsName(called, typed) || findsName(name, typed);
}
