/** Up and down among what can be opened in a list: with the Tab key one would never get past hundreds of them. */
export function arrows(list: HTMLElement): () => void {
  const move = (event: KeyboardEvent) => {
    const at = event.target;
    if (at !== list && !(at instanceof HTMLElement && at.tagName === 'SUMMARY')) return;
    const lines = [...list.querySelectorAll('summary')];
    const now = lines.findIndex((line) => line === at);
    const steps: Record<string, number> = {
      ArrowDown: now + 1,
      ArrowUp: now < 0 ? lines.length - 1 : now - 1,
      Home: 0,
      End: lines.length - 1,
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    lines[next]?.focus();
  };
  list.addEventListener('keydown', move);
  return () => list.removeEventListener('keydown', move);
}
