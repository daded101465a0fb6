import { untrack } from 'svelte';

/** A short message at the edge of the screen. */
export interface Toast {
  id: number;
  kind: 'info' | 'error';
  text: string;
  /** The action that it offers. */
  act?: Act | undefined;
  /** It fades. */
  going?: boolean;
}

/** A button of a toast. */
export interface Act {
  label: string;
  run: () => unknown;
}

/** How long it fades: as long as `--quick` says. */
const FADE_MS = 120;
const STAY_MS = 6_000;
/** One that can be answered leaves time for that. */
const STAY_WITH_ACT_MS = 12_000;
let last = 0;
export const toasts = $state<Toast[]>([]);

/** Shows a message for a few seconds; the same text again replaces the one that is still there. */
export function toast(text: string, kind: Toast['kind'] = 'info', act?: Act): void {
  const id = ++last;
  // An effect that shows a message does not depend on the other messages.
  untrack(() => {
    const same = toasts.find((one) => one.text === text);
    if (same) take(same.id);
    toasts.push({ id, kind, text, act });
  });
  setTimeout(() => dismiss(id), act ? STAY_WITH_ACT_MS : STAY_MS);
}

/** Takes it away before its time. */
export function dismiss(id: number): void {
  const one = toasts.find((toast) => toast.id === id);
  if (!one || one.going) return;
  one.going = true;
  setTimeout(() => take(id), FADE_MS);
}

function take(id: number): void {
  const at = toasts.findIndex((one) => one.id === id);
  if (at >= 0) toasts.splice(at, 1);
}
