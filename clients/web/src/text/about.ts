import type { Message } from '@palabre/sdk';
import { town } from '../town/town.svelte';
import { t } from './words';

/** Who has said a message, and where. Between two, the place is called after the other, who may be the one who said it. */
export function aboutOf({ author, conversation }: Pick<Message, 'author' | 'conversation'>): string {
  const name = town.nameOf(author);
  const place = town.conversations.get(conversation);
  return !place || place.peer?.id === author.id ? name : t().of(name, town.titleOf(place));
}
