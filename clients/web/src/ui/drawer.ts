// A panel beside the page, which lies over it where there is no room beside it.

/** Whether there is none. */
export const covers = () => matchMedia('(max-width: 64rem)').matches;

/** Those that are on their way out. */
const fading = new WeakSet<HTMLElement>();

/** Lets a panel that covers the page fade, with what darkens the page before it; then calls back, once. */
export async function fade(panel: HTMLElement | null, gone: () => void): Promise<void> {
  if (!panel || !covers()) return gone();
  if (fading.has(panel)) return;
  fading.add(panel);
  const both = [panel, panel.previousElementSibling as HTMLElement | null].filter((one) => one !== null);
  for (const one of both) {
    // It takes neither a press nor a key any more.
    one.inert = true;
    one.style.opacity = '0';
  }
  await Promise.allSettled(both.flatMap((one) => one.getAnimations()).map(({ finished }) => finished));
  // Who has gone elsewhere meanwhile is not to be fetched back.
  if (panel.isConnected) gone();
}

const STOPS = 'a[href], button, input, textarea, select, [tabindex]';

/** Where the panel covers the page, the Tab key stays in it: what lies under it is not to be seen. */
export function stayInside(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  if (event.key !== 'Tab' || event.defaultPrevented) return;
  if (getComputedStyle(event.currentTarget).position !== 'fixed') return;
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>(STOPS)].filter(
    (one) => one.tabIndex >= 0 && !one.matches(':disabled') && one.checkVisibility(),
  );
  const [first, last] = [stops[0], stops.at(-1)];
  const [end, other] = event.shiftKey ? [first, last] : [last, first];
  if (document.activeElement !== end) return;
  event.preventDefault();
  other?.focus();
}
