import { rowAt } from './keys';

const keyAt = (target: EventTarget | null) => rowAt(target)?.dataset['key'] ?? null;

/** A finger does not hover: it taps the row that it touches. */
const hovers = (event: PointerEvent) => event.pointerType === 'mouse';

/** The row whose tools are shown: under the pointer, with the focus, or tapped where nothing hovers. */
export class Pointing {
  /** The row's key. */
  active = $state<string | null>(null);
  /** The row that was active when a finger came down; null while a mouse points. */
  #touched: { readonly active: string | null } | null = null;

  over(event: PointerEvent): void {
    if (hovers(event)) this.active = keyAt(event.target);
  }

  leave(event: PointerEvent): void {
    if (hovers(event)) this.active = null;
  }

  down(event: PointerEvent): void {
    this.#touched = hovers(event) ? null : { active: this.active };
  }

  /** Shows or hides the tools. */
  click(event: MouseEvent): void {
    if (!this.#touched || (event.target as Element).closest('a, button, [popover]')) return;
    const key = keyAt(event.target);
    // The tap has brought the focus, and with it the tools: the row that was active before counts.
    this.active = this.#touched.active === key ? null : key;
  }

  focus(event: FocusEvent): void {
    this.active = keyAt(event.target) ?? this.active;
  }
}
