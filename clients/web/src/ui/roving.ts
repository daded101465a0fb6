/**
 * One stop of the Tab key for a whole list: the arrow keys, Home and End move the focus among its items.
 *
 * @param selector the items, in the element on which the handler is
 * @param beside whether they stand beside each other: left and right then move as up and down do
 */
export function roving(selector: string, beside = false): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(selector)];
    // A row of buttons may show fewer of them where there is little room.
    const items = beside ? all.filter((item) => item.checkVisibility()) : all;
    const now = items.findIndex((item) => item.contains(document.activeElement));
    const steps: Record<string, number> = {
      ArrowDown: Math.min(now + 1, items.length - 1),
      ArrowUp: Math.max(now - 1, 0),
      Home: 0,
      End: items.length - 1,
    };
    const next = steps[beside ? event.key.replace('Right', 'Down').replace('Left', 'Up') : event.key];
    if (now < 0 || next === undefined) return;
    event.preventDefault();
    items[next]?.focus();
  };
}
