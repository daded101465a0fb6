// Reactions: they stand in their message, and an event brings that message as it is after the change.
import { person } from './accounts.js';
import { putMessage } from './messages.js';
import { step, type NumberedReducer, type NumberedReducers } from './state.js';

const changed: NumberedReducer<'reaction.added' | 'reaction.removed'> = {
  people: ({ message }) => [person(message.author)],
  apply: (known, { data }, context) => step(putMessage(known, data.message, context)),
};

export const numbered: NumberedReducers<'reaction.added' | 'reaction.removed'> = {
  'reaction.added': changed,
  'reaction.removed': changed,
};
