import { afterEach, expect, test, vi } from 'vitest';
import { isForComposer } from './keys';

afterEach(() => vi.unstubAllGlobals());

/** A page with these scrims, shown or not: a thread hides the one of the details. */
const page = (...scrims: readonly boolean[]) =>
  vi.stubGlobal('document', {
    querySelectorAll: () => scrims.map((isShown) => ({ checkVisibility: () => isShown })),
  });

/** A key on something that lies in these elements. */
const key = (within: readonly string[], more: Partial<KeyboardEvent> = {}) =>
  ({
    key: 'k',
    target: {
      closest: (selector: string) => selector.split(', ').find((one) => within.includes(one)) ?? null,
    },
    ...more,
  }) as unknown as KeyboardEvent;

test('a character that nothing else takes is for the composer', () => {
  page();
  expect(isForComposer(key(['button', 'body']))).toBe(true);
  expect(isForComposer(key(['input', 'body']))).toBe(false);
  expect(isForComposer(key(['body'], { key: ' ' }))).toBe(false);
  expect(isForComposer(key(['body'], { ctrlKey: true }))).toBe(false);
});

test('what is typed in a panel, or while one lies over the page, is not', () => {
  page();
  expect(isForComposer(key(['button', 'aside', 'body']))).toBe(false);
  page(false, true);
  expect(isForComposer(key(['body']))).toBe(false);
  // A panel beside the page darkens nothing.
  page(false);
  expect(isForComposer(key(['body']))).toBe(true);
});
