// A panel beside the page, which lies over it where there is no room beside it.

/** Whether there is none. */
export const covers = () => matchMedia('(max-width: 64rem)').matches;

/** Lets a panel that covers the page fade, with what darkens the page before it; then calls back. */
export async function fade(panel: Element | null, gone: () => void): Promise<void> {
  if (covers()) {
    const fading = [panel, panel?.previousElementSibling].filter((one) => one instanceof HTMLElement);
    for (const one of fading) one.style.opacity = '0';
    await Promise.allSettled(fading.flatMap((one) => one.getAnimations()).map(({ finished }) => finished));
  }
  gone();
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
