// Previews of links: they stand in their message, and an event brings that message as it is after the change.
import type { Message, Preview } from '../wire.js';
import { person } from './accounts.js';
import { putMessage } from './messages.js';
import { step, type NumberedReducers } from './state.js';

export const numbered: NumberedReducers<'message.previewed'> = {
  'message.previewed': {
    people: ({ author }) => [person(author)],
    apply: (known, { data }, context) => step(putMessage(known, data, context)),
  },
};

/**
 * The preview of a message's link; `null` if it has none, and from servers before feature level 8.
 */
export function previewOf(
  message: Pick<Message, 'preview'> | { readonly preview?: undefined },
): Preview | null {
  return message.preview ?? null;
}
