// The inbox. It is read page by page by who shows it: they ask for `inbox.list` at first, after every coming back, and
// whenever `inboxSeq` is another or something has come that is for them.
import { only, type Reducers } from './state.js';

export const events: Reducers<'inbox.read'> = {
  'inbox.read': (state, { account_seq = 0 }) => only({ ...state, inboxSeq: account_seq }),
};
