// A message of the outbox as a command.
import type { Pending } from './state/pending.js';
import type { MessageSendData } from './wire.js';

/** A message of the outbox as it is sent; a server that knows no threads gets it without one. */
export function sendOf(pending: Pending, knowsThreads: boolean): MessageSendData {
  const { conversation, clientId, text, parent, thread, alsoInRoom, reach, files } = pending;
  // Servers before feature level 7 refuse the field.
  const named = files.length > 0 ? { files: files.map(({ id }) => id) } : {};
  const agreed = reach === null ? {} : { reach };
  const plain = { conversation, client_id: clientId, text, parent, ...agreed, ...named };
  if (!knowsThreads) return plain;
  return thread === null ? { ...plain, thread: 0 } : { ...plain, thread, also_in_room: alsoInRoom };
}
