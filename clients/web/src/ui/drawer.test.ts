import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fade } from './drawer';

beforeEach(() => vi.stubGlobal('matchMedia', () => ({ matches: true })));
afterEach(() => vi.unstubAllGlobals());

/** A panel over the page, with what darkens it; it has faded when that is said. */
function panel() {
  let faded = () => {};
  const finished = new Promise<void>((resolve) => (faded = resolve));
  const element = (before: object | null) => ({
    inert: false,
    isConnected: true,
    style: { opacity: '' },
    previousElementSibling: before,
    getAnimations: () => [{ finished }],
  });
  const scrim = element(null);
  return { scrim, aside: element(scrim), faded };
}

test('a panel that is closed twice while it fades goes once, and takes nothing on its way', async () => {
  const { scrim, aside, faded } = panel();
  const gone = vi.fn();
  const both = [fade(aside as unknown as HTMLElement, gone), fade(aside as unknown as HTMLElement, gone)];
  for (const one of [scrim, aside]) expect(one).toMatchObject({ inert: true, style: { opacity: '0' } });
  expect(gone).not.toHaveBeenCalled();
  faded();
  await Promise.all(both);
  expect(gone).toHaveBeenCalledOnce();
});

test('who has gone elsewhere while it fades stays there', async () => {
  const { aside, faded } = panel();
  const gone = vi.fn();
  const fading = fade(aside as unknown as HTMLElement, gone);
  aside.isConnected = false;
  faded();
  await fading;
  expect(gone).not.toHaveBeenCalled();
});
