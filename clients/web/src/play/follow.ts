/** Nearer to the end than this many pixels is the end. */
const NEAR = 40;

/** Keeps the end of a list in view, until somebody scrolls away from it or opens something. */
export function follow(list: HTMLElement): () => void {
  let held = true;
  let before = 0;
  const isNear = () => list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  const toEnd = () => {
    if (held) list.scrollTop = list.scrollHeight;
  };
  const scrolled = () => {
    // New lines while it scrolls to the end are no reason to stop following: only scrolling back is.
    if (isNear()) held = true;
    else if (list.scrollTop < before) held = false;
    before = list.scrollTop;
  };
  const toggled = () => (held = isNear());
  const more = new MutationObserver(toEnd);
  const resized = new ResizeObserver(toEnd);
  more.observe(list, { childList: true });
  resized.observe(list);
  list.addEventListener('scroll', scrolled);
  list.addEventListener('toggle', toggled, { capture: true });
  return () => {
    more.disconnect();
    resized.disconnect();
  };
}
