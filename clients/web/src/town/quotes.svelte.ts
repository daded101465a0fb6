import { Refusal, type Message } from '@palabre/sdk';
import { client, town } from './town.svelte';

/** Messages that others answer, and that are not on the screen; null if they cannot be had. */
let fetched = $state.raw<ReadonlyMap<string, Message | null>>(new Map());
const asked = new Set<string>();

const put = (key: string, message: Message | null) => (fetched = new Map(fetched).set(key, message));
const keyOf = (conversation: number, seq: number) => `${conversation}/${seq}`;

/** The message that another one answers: from the timeline, else asked for once. Undefined until it is here. */
export function quoted(conversation: number, seq: number): Message | null | undefined {
  const shown = town.conversations.get(conversation)?.timeline?.messages.find((one) => one.seq === seq);
  return shown ?? fetched.get(keyOf(conversation, seq));
}

/** Asks for it if it is not on the screen; what could not be asked is asked again when it is next wanted. */
export function fetchQuoted(conversation: number, seq: number): void {
  const key = keyOf(conversation, seq);
  if (quoted(conversation, seq) !== undefined || asked.has(key)) return;
  asked.add(key);
  client.command('message.get', { conversation, seq }).then(
    (message) => put(key, message),
    (error: unknown) => {
      asked.delete(key);
      if (error instanceof Refusal && error.code === 'not_found') put(key, null);
    },
  );
}

/** A deleted message must not be readable in a quote, and an edited message is quoted as it is now. */
const CHANGED = /"type":"message\.(?:edited|deleted)"/;
client.on('frame', ({ direction, text }) => {
  if (direction !== 'in' || fetched.size === 0 || !CHANGED.test(text)) return;
  const { data } = JSON.parse(text) as { data: Message };
  const key = keyOf(data.conversation, data.seq);
  if (fetched.has(key)) put(key, data);
});

/** While the line was away anything may have changed. */
function forget(): void {
  fetched = new Map();
  asked.clear();
}
client.on('signedOut', forget);
client.subscribe((state, before) => {
  if (state.line === 'online' && before.line !== 'online') forget();
});
