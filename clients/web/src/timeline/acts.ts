import type { ConversationState, Message, Person } from '@palabre/sdk';
import { untrack } from 'svelte';
import { complain } from '../town/complaint';
import { client, town } from '../town/town.svelte';
import { confirm } from '../ui/confirm.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './words';

/** Says why it could not be done, if it could not. */
export async function attempt(doing: Promise<unknown>): Promise<void> {
  await doing.catch(complain);
}

/** Deletes a message, after asking. */
export async function remove({ conversation, seq }: Message): Promise<void> {
  if (!(await confirm(t().removeAsk, t().remove))) return;
  await attempt(client.command('message.delete', { conversation, seq }));
}

/** Reacts to a message; the same emoji a second time takes the reaction back. */
export async function react({ conversation, seq, reactions }: Message, emoji: string): Promise<void> {
  const users = reactions.find((one) => one.emoji === emoji)?.users ?? [];
  const own = town.me !== null && users.includes(town.me.id);
  await attempt(client.command(own ? 'reaction.remove' : 'reaction.add', { conversation, seq, emoji }));
}

/** The newest page holds this many messages: more unread ones begin before it. */
const PAGE = 50;

/** The message after which the unread ones begin, if that is far from the end; else null. */
export function farUnread({ unread, readSeq }: ConversationState): number | null {
  return unread >= PAGE ? readSeq : null;
}

/** The last message of one's own that can be edited, of those that are loaded. */
export function lastOwn({ timeline }: Pick<ConversationState, 'timeline'>): Message | undefined {
  return timeline?.messages.findLast((one) => one.author.id === town.me?.id && one.text !== null);
}

/** The names of at most this many members are loaded; the others' when they write. */
const NAMED_MEMBERS = 200;

/** Loads the names of the authors, of those whom they mention, who react or who write, and of members who read. */
export function loadNames({ timeline, members, typing }: ConversationState): void {
  // An older server says of no message whom it mentions.
  const named = ({ author, mentions, reactions }: Message) => [
    author.id,
    ...(mentions?.people ?? []),
    ...reactions.flatMap(({ users }) => users.slice(0, 20)),
  ];
  const authors = timeline?.messages.flatMap(named) ?? [];
  const writers = [...typing.values()].map(({ user }) => user.id);
  const readers = [...(members?.keys() ?? [])].slice(0, NAMED_MEMBERS);
  untrack(() => client.loadPeople(new Set([...authors, ...writers, ...readers])));
}

/** Somebody by their username; null if there is nobody of this name. */
export async function personNamed({ members }: ConversationState, username: string): Promise<Person | null> {
  const wanted = username.toLowerCase();
  const isWanted = (person: Person) => person.username.toLowerCase() === wanted;
  const known = [...(members?.values() ?? [])].map(({ user }) => user).find(isWanted);
  if (known) return known;
  try {
    const { users } = await client.command('user.list', { prefix: username, limit: 10 });
    const found = users.find(isWanted);
    if (!found) toast(t().nobodyNamed(username));
    return found ?? null;
  } catch (error) {
    await complain(error);
    return null;
  }
}
