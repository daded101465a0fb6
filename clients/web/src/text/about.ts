import type { Message } from '@palabre/sdk';
import { town } from '../town/town.svelte';
import { t } from './words';

/** A message's author and place. A direct conversation is called after the other person: the author is then named once. */
export function aboutOf({ author, conversation }: Pick<Message, 'author' | 'conversation'>): string {
  const name = town.nameOf(author);
  const place = town.conversations.get(conversation);
  return !place || place.peer?.id === author.id ? name : t().of(name, town.titleOf(place));
}
