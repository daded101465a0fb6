import { isInRoom, type Message } from '@palabre/sdk';
import type { Place } from '../place';

/** Where a message is shown: in the room, or in its thread. */
export function placeOf(message: Message): Place {
  const { conversation, seq, thread } = message;
  if (isInRoom(message) || thread === null) return { page: 'talk', conversation, at: seq };
  return { page: 'talk', conversation, at: null, thread, reply: seq };
}

/** Where the thread about a message is, or that in which it stands. */
export function threadOf({ conversation, seq, thread }: Message): Place {
  return { page: 'talk', conversation, at: null, thread: thread ?? seq };
}
