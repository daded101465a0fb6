// Finds things on the screen, and does what people do with them.
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** Waits until it can be seen. */
export async function sees(what: Locator): Promise<Locator> {
  await what.first().waitFor({ state: 'visible' });
  return what.first();
}

/** Waits until it can be seen no longer. */
export async function seesNot(what: Locator): Promise<void> {
  await expect.poll(() => what.filter({ visible: true }).count(), { timeout: 25_000 }).toBe(0);
}

/** Waits until a question has this answer. */
export async function becomes<T>(ask: () => Promise<T>, answer: T, timeout = 25_000): Promise<void> {
  await expect.poll(ask, { timeout, interval: 50 }).toEqual(answer);
}

export const composer = (page: Page) => page.getByRole('textbox', { name: /^(Write to|Écrire à) / });
export const log = (page: Page) => page.getByRole('log', { name: 'Messages' });
/** A message with this text; its text element, if `exact`, has no other. */
export const message = (page: Page, text: string | RegExp) =>
  log(page).getByRole('article').filter({ hasText: text });
export const dialog = (page: Page) => page.getByRole('dialog');
export const conversations = (page: Page) => page.getByRole('navigation', { name: 'Conversations' });

/** Writes a message and sends it by Enter. */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** The texts of all messages on the screen, from top to bottom. */
export function texts(page: Page): Promise<string[]> {
  return log(page).evaluate((element) =>
    [...element.querySelectorAll('[data-key] .what > .text')].map((one) => one.textContent ?? ''),
  );
}
