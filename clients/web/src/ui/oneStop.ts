import { roving } from './roving';

const ITEMS = ':is(a, button):not([role^=menuitem])';

/**
 * Makes the controls in an element one stop of the Tab key, among which the arrow keys, Home and End move: whoever uses
 * the keyboard passes a row of buttons with one key. Give the element a role and a name.
 */
export function oneStop(node: HTMLElement): () => void {
  let last: Element | null = null;
  const keys = roving(ITEMS, true);

  function settle() {
    const items = [...node.querySelectorAll<HTMLElement>(ITEMS)];
    const stop =
      items.find((item) => item === last) ?? items.find((item) => item.checkVisibility()) ?? items[0];
    for (const item of items) item.tabIndex = item === stop ? 0 : -1;
  }
  function focused({ target }: FocusEvent) {
    last = (target as Element).closest(ITEMS);
    settle();
  }

  settle();
  const watcher = new MutationObserver(settle);
  watcher.observe(node, { childList: true, subtree: true });
  node.addEventListener('keydown', keys);
  node.addEventListener('focusin', focused);
  return () => {
    watcher.disconnect();
    node.removeEventListener('keydown', keys);
    node.removeEventListener('focusin', focused);
  };
}
