import type { Writing } from '../composer/writing.svelte';

/** A button that is pressed for so many milliseconds is held. */
const HELD_MS = 300;
/** Pixels from the middle of the button, from which on letting go discards. */
const AWAY = 90;
/** A press that follows within so many milliseconds is the end of the one that was held. */
const AFTER_MS = 50;

/** How holding ended: let go, away from the button, or by something else than whoever held it. */
export type End = 'let go' | 'given up' | 'interrupted';

/** A button that is held: what is recorded lasts as long as that. */
export class Held {
  /** Letting go now would discard it. */
  away = $state(false);
  /** It is over. */
  end = $state<End | null>(null);
  readonly #middle: { readonly x: number; readonly y: number };

  /** One whose middle is there, in pixels of the window. */
  constructor({ left, top, width, height }: Pick<DOMRect, 'left' | 'top' | 'width' | 'height'>) {
    this.#middle = { x: left + width / 2, y: top + height / 2 };
  }

  moved({ clientX, clientY }: Pick<MouseEvent, 'clientX' | 'clientY'>): void {
    this.away = Math.hypot(clientX - this.#middle.x, clientY - this.#middle.y) > AWAY;
  }

  letGo(): void {
    this.finish(this.away ? 'given up' : 'let go');
  }

  finish(end: End): void {
    this.end ??= end;
  }
}

/** The end of holding is no press; it is still to come if the button is down. */
function swallowPress(isDown: boolean): void {
  const swallow = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  const later = () => setTimeout(() => removeEventListener('click', swallow, true), AFTER_MS);
  addEventListener('click', swallow, true);
  if (isDown) addEventListener('pointerup', later, { once: true, capture: true });
  else later();
}

/**
 * The button was pressed, by a pointer or the space bar. If it is held, a voice message is recorded until it is let go,
 * and then sent; if not, it was a press like any other.
 */
export function hold(event: PointerEvent | KeyboardEvent, button: HTMLElement, writing: Writing): void {
  if (writing.recording) return;
  const held = new Held(button.getBoundingClientRect());
  const over = new AbortController();
  const listen = <K extends keyof WindowEventMap>(name: K, does: (event: WindowEventMap[K]) => void) =>
    addEventListener(name, does, { signal: over.signal, capture: true });
  const begin = () => {
    if (writing.recording) over.abort();
    else writing.recording = held;
  };
  const timer = setTimeout(begin, Math.max(0, HELD_MS - (performance.now() - event.timeStamp)));
  const begun = () => writing.recording === held;
  const finish = (ends: () => void, isDown = false) => {
    clearTimeout(timer);
    over.abort();
    if (!begun()) return;
    swallowPress(isDown);
    ends();
  };
  if ('pointerId' in event) {
    const own = (other: PointerEvent) => other.pointerId === event.pointerId;
    listen('pointermove', (other) => own(other) && held.moved(other));
    listen('pointerup', (other) => own(other) && finish(() => held.letGo()));
    listen('pointercancel', (other) => own(other) && finish(() => held.finish('interrupted')));
  } else {
    listen('keyup', (other) => {
      if (other.key !== ' ') return;
      if (begun()) other.preventDefault();
      finish(() => held.letGo());
    });
  }
  listen('keydown', (other) => {
    if (!begun()) return;
    // The space bar repeats itself while it is held.
    other.preventDefault();
    other.stopPropagation();
    if (other.key === 'Escape') finish(() => held.finish('given up'), 'pointerId' in event);
  });
  listen('contextmenu', (other) => begun() && other.preventDefault());
  // Of the window, and of nothing in it: nobody would hear of the end any more.
  listen('blur', ({ target }) => target === window && finish(() => held.finish('interrupted')));
}
