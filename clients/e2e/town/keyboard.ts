// A person without a mouse.
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** More stops than any screen has. */
const STOPS = 80;

/** The element that has the focus, in words; `body` if none has. */
export function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return 'body';
    return `${element.localName} ${element.getAttribute('aria-label') ?? element.textContent?.trim().slice(0, 40) ?? ''}`;
  });
}

/** Whether one sees where the focus is: an outline around the element, or around the label that it is in. */
function focusIsSeen(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const around = [document.activeElement, document.activeElement?.closest('label, .composer, .search')];
    return around.some((element) => {
      if (!element) return false;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
    });
  });
}

/** Fails unless something has the focus, and one sees what. */
export async function expectFocusSeen(page: Page): Promise<void> {
  const where = await focused(page);
  expect(where, 'the focus is lost').not.toBe('body');
  expect(await focusIsSeen(page), `the focus is not seen on: ${where}`).toBe(true);
}

const has = (target: Locator) =>
  target.evaluateAll((elements) => elements.some((element) => element === document.activeElement));

/** Waits until it has the focus. */
export async function getsFocus(target: Locator): Promise<void> {
  await expect.poll(() => has(target), { message: `${target} has no focus`, timeout: 10_000 }).toBe(true);
}

/** Presses Tab (or another key) until it has the focus; at each stop the focus must be seen. */
export async function tabTo(page: Page, target: Locator, key = 'Tab'): Promise<void> {
  await target.first().waitFor({ state: 'attached' });
  for (let stop = 0; stop < STOPS; stop += 1) {
    if (await has(target)) return;
    await page.keyboard.press(key);
    // From the last stop the focus goes to the browser's own buttons, which are no part of the page.
    if ((await focused(page)) !== 'body') await expectFocusSeen(page);
  }
  throw new Error(`${key} does not lead to ${target}`);
}
