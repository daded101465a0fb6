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
  const over = new AbortController();
  const up = ({ type, target }: Event) => {
    // Of the window, and of nothing in it: nobody would hear of the end any more.
    if (type !== 'blur' || target === window) down = false;
  };
  for (const name of ['blur', ...(byKey ? ['keyup'] : ['pointerup', 'pointercancel'])])
    addEventListener(name, up, { signal: over.signal, capture: true });
  void loadRecorder().catch(() => {});
  import('../voice/holding.svelte')
    .then(
      ({ hold }) => down && hold(event, button, writing),
      () => {},
    )
    .finally(() => over.abort());
}
