// What calls somebody by an edit: the message was there before, and is read again under the number of the edit.
import { isForMe, type Message, type Viewer } from '@palabre/sdk';

/** Up to which number one must read to have read the edits of these messages that have called one; 0 if none has. */
export function calledTo(messages: readonly Message[], viewer: Viewer): number {
  const called = messages.filter((it) => it.edited_at !== null && isForMe(it, viewer));
  return Math.max(0, ...called.map(({ rev }) => rev));
}
