// Reminders of messages. They are few and seldom shown: whoever shows them asks for `reminder.list` at first, after every
// coming back, and whenever `reminderSeq` is another.
import { only, type Reduced, type Reducers, type State } from './state.js';

const changed = (state: State, { account_seq = 0 }: { readonly account_seq?: number }): Reduced =>
  only({ ...state, reminderSeq: account_seq });

export const events: Reducers<'reminder.set' | 'reminder.due' | 'reminder.removed'> = {
  'reminder.set': changed,
  'reminder.due': changed,
  'reminder.removed': changed,
};
