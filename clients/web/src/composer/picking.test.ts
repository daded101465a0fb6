import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mayHold } from './picking';
import type { Writing } from './writing.svelte';

const { hold } = vi.hoisted(() => ({ hold: vi.fn() }));
vi.mock('../voice/holding.svelte', () => ({ hold }));
vi.mock('../voice/Recorder.svelte', () => ({ default: {} }));

let page: EventTarget;
beforeEach(() => {
  hold.mockReset();
  page = new EventTarget();
  vi.stubGlobal('window', page);
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
});
afterEach(() => vi.unstubAllGlobals());

/** Presses the button, by a finger or the space bar; what ends it comes before what is loaded. */
async function press(byKey: boolean, end: string | null): Promise<void> {
  const event = { currentTarget: {}, ...(byKey ? { key: ' ', repeat: false } : { button: 0 }) };
  mayHold(event as unknown as Parameters<typeof mayHold>[0], {} as Writing);
  if (end !== null) page.dispatchEvent(new Event(end));
  await vi.dynamicImportSettled();
}

test('a button that is still down when its code has come is held', async () => {
  await press(false, null);
  await press(true, null);
  // A pointer is not let go by a key, nor a key by a pointer.
  await press(false, 'keyup');
  await press(true, 'pointercancel');
  expect(hold).toHaveBeenCalledTimes(4);
});

test('nothing is held that was let go, taken away or left meanwhile', async () => {
  for (const end of ['pointerup', 'pointercancel', 'blur']) await press(false, end);
  for (const end of ['keyup', 'blur']) await press(true, end);
  expect(hold).not.toHaveBeenCalled();
});
