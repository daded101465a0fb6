import { rowAt } from './keys';

const keyAt = (target: EventTarget | null) => rowAt(target)?.dataset['key'] ?? null;

/** A finger does not hover: it taps the row that it touches. */
const hovers = (event: PointerEvent) => event.pointerType === 'mouse';

/** This long after the last movement, in milliseconds, scrolling rests. */
const REST_MS = 100;

/** The row whose tools are shown: under the pointer, with the focus, or tapped where nothing hovers. */
export class Pointing {
  /** The row's key. */
  active = $state<string | null>(null);
  /** The row on which a finger came down, and the one that was active then; null while a mouse points. */
  #touched: { readonly key: string | null; readonly active: string | null } | null = null;

  /** The row under the pointer while it is being scrolled; it becomes active when that rests. */
  #passing: string | null = null;
  #rest: ReturnType<typeof setTimeout> | undefined;

  over(event: PointerEvent): void {
    if (hovers(event)) this.#point(keyAt(event.target));
  }

  leave(event: PointerEvent): void {
    if (hovers(event)) this.#point(null);
  }

  /** Rows pass under the pointer: to make the tools of each would make scrolling stutter. */
  scrolled(): void {
    if (this.#rest === undefined) this.#passing = this.active;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.active = this.#passing;
    }, REST_MS);
  }

  #point(key: string | null): void {
    if (this.#rest === undefined) this.active = key;
    else this.#passing = key;
  }

  down(event: PointerEvent): void {
    this.#touched = hovers(event) ? null : { key: keyAt(event.target), active: this.active };
  }

  /** Shows or hides the tools. */
  click(event: MouseEvent): void {
    if (!this.#touched || (event.target as Element).closest('a, button, [popover]')) return;
    const { key } = this.#touched;
    // The tap has brought the focus, and with it the tools: the row that was active before counts, and the one on which the
    // finger came down; another one may lie there now that the tools of the one before are gone.
    this.active = this.#passing = this.#touched.active === key ? null : key;
  }

  focus(event: FocusEvent): void {
    this.active = this.#passing = keyAt(event.target) ?? this.active;
  }
}
