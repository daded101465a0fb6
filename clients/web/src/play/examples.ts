// Things to try: what the protocol does well, and what it refuses.
import type { Command } from './copy';
import { randomText } from './kept';
import type { Tester } from './tester.svelte';
import { t } from './words';

export type ExampleName =
  'edit' | 'remove' | 'react' | 'typing' | 'read' | 'history' | 'twice' | 'mismatch' | 'long' | 'unknown';

/** The commands of the example, in order; null if there is no message for it. */
type Example = (tester: Tester, room: number) => readonly Command[] | null;

const CLIENT_ID_LENGTH = 16;
const PAGE = 5;
const THUMB = '👍';

/** The command by which a message is sent. */
export function send(room: number, text: string, clientId: string): Command {
  return { type: 'message.send', data: { conversation: room, client_id: clientId, text } };
}

const newClientId = () => randomText(CLIENT_ID_LENGTH);

export const examples: Readonly<Record<ExampleName, Example>> = {
  edit: ({ lastOwn }, room) => {
    if (!lastOwn) return null;
    const text = `${lastOwn.text} ${t().exampleAddition}`;
    return [{ type: 'message.edit', data: { conversation: room, seq: lastOwn.seq, text } }];
  },
  remove: ({ lastOwn }, room) => {
    if (!lastOwn) return null;
    return [{ type: 'message.delete', data: { conversation: room, seq: lastOwn.seq } }];
  },
  react: ({ lastMessage }, room) => {
    if (!lastMessage) return null;
    return [{ type: 'reaction.add', data: { conversation: room, seq: lastMessage.seq, emoji: THUMB } }];
  },
  typing: (_tester, room) => [{ type: 'typing.set', data: { conversation: room, typing: true } }],
  read: ({ conversation }, room) => {
    if (!conversation?.lastMessage) return null;
    return [{ type: 'marker.read', data: { conversation: room, seq: conversation.lastMessage.seq } }];
  },
  history: (_tester, room) => [{ type: 'message.history', data: { conversation: room, limit: PAGE } }],
  twice: (_tester, room) => {
    const once = send(room, t().exampleTwice, newClientId());
    return [once, once];
  },
  mismatch: (_tester, room) => {
    const clientId = newClientId();
    return [send(room, t().exampleFirst, clientId), send(room, t().exampleOther, clientId)];
  },
  long: ({ state }, room) => {
    const tooLong = 'x'.repeat((state.limits?.message_length ?? 2000) + 1);
    return [send(room, tooLong, newClientId())];
  },
  unknown: () => [{ type: 'message.shout', data: {} }],
};
