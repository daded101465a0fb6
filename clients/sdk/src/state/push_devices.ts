// The devices on which the person is told while no page is open. They are seldom shown: whoever shows them asks for
// `push_device.list`, and again whenever `pushDeviceSeq` is another.
import { only, type Reduced, type Reducers, type State } from './state.js';

const changed = (state: State, { account_seq = 0 }: { readonly account_seq?: number }): Reduced =>
  only({ ...state, pushDeviceSeq: account_seq });

export const events: Reducers<'push_device.added' | 'push_device.removed'> = {
  'push_device.added': changed,
  'push_device.removed': changed,
};
