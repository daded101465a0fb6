// Policies: what a member may do is asked for when it is needed, and not kept. Of a message that one may not see only
// the number of its event is told: it is passed, and nothing is changed.
import { step, type NumberedReducers } from './state.js';

export const numbered: NumberedReducers<'event.hidden'> = {
  'event.hidden': {
    people: () => [],
    apply: (known) => step(known),
  },
};
