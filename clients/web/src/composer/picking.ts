import type { Writing } from './writing.svelte';

/** The emoji picker, loaded when it is first wanted. */
export const loadPicker = () => import('./EmojiPicker.svelte');
/** The recorder of voice messages, loaded when it is first wanted. */
export const loadRecorder = () => import('../voice/Recorder.svelte');

/** The button that records is pressed: whether it is held, is found out by what is loaded with the first press. */
export function mayHold(
  event: (PointerEvent | KeyboardEvent) & { currentTarget: HTMLElement },
  writing: Writing,
): void {
  const byKey = 'key' in event;
  if (byKey ? event.key !== ' ' || event.repeat : event.button) return;
  const button = event.currentTarget;
  // It may be let go before that has come.
  let down = true;
  const up = () => (down = false);
  addEventListener(byKey ? 'keyup' : 'pointerup', up, { once: true, capture: true });
  void loadRecorder().catch(() => {});
  import('../voice/holding.svelte').then(
    ({ hold }) => down && hold(event, button, writing),
    () => {},
  );
}
