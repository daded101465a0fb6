// The accessibility errors that axe finds in a page.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** The errors, one line for each element. */
export async function violations(page: Page): Promise<string[]> {
  // By the debugger, past the page's own policy, which stays as it is.
  await page.evaluate(`window.axe ?? (() => { ${SOURCE} })()`);
  const results = await page.evaluate(
    (rules) =>
      (window as unknown as { axe: { run(on: Document, how: object): Promise<AxeResults> } }).axe.run(
        document,
        {
          runOnly: { type: 'tag', values: rules },
          resultTypes: ['violations'],
        },
      ),
    RULES,
  );
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      (node) => `${id}: ${help}: ${node.target.join(' ')}\n${node.html}\n${node.failureSummary ?? ''}`,
    ),
  );
}

/** Colours that fade are measured when they have arrived. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    const fading = document.getAnimations().filter((one) => one instanceof CSSTransition);
    for (const one of fading) one.finish();
    await frame();
  });
}

/** Fails on any violation, in light and in dark. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await settled(page);
    expect(await violations(page), `${what}, ${colorScheme}`).toEqual([]);
  }
}

/** The same, on a phone as well. */
export async function expectAccessibleEverywhere(page: Page, what: string): Promise<void> {
  await expectAccessible(page, what);
  const size = page.viewportSize() ?? { width: 1280, height: 800 };
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page, `${what}, on a phone`);
  await page.setViewportSize(size);
}
