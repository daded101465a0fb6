import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { PAYLOADS } from '../corpus/payloads';
import { expectAccessibleEverywhere } from '../town/axe';
import { becomes, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';
import type { Visit } from '../town/visit';

const town = useTown({ 'server.environment': 'development' });
const production = useTown();

const side = (page: Page, name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) });
const seen = (page: Page, name: string) => page.getByRole('log', { name: `What ${name} sees` });
const wire = (page: Page) => page.getByRole('log', { name: 'Frames on both wires' });

/** Opens the playground and lets the two come in. */
async function begin(): Promise<Visit> {
  const visit = await town().visit(null, {
    path: '/play',
    viewport: { width: 1440, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await visit.page.getByRole('button', { name: 'Start' }).click();
  await sees(seen(visit.page, 'Ada'));
  for (const name of ['Ada', 'Bob']) await sees(side(visit.page, name).getByText('online', { exact: true }));
  return visit;
}

async function write(page: Page, name: string, text: string): Promise<void> {
  await page.getByLabel(`Write as ${name}`).fill(text);
  await page.getByLabel(`Write as ${name}`).press('Enter');
}

async function copied(page: Page, button: string): Promise<string> {
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await page.getByRole('button', { name: button, exact: true }).last().click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).not.toBe('');
  // The message about it lies over the next button.
  const dismiss = page.getByRole('button', { name: 'Dismiss' });
  await dismiss.evaluateAll((all) => all.forEach((one) => (one as HTMLElement).click()));
  await seesNot(dismiss);
  return page.evaluate(() => navigator.clipboard.readText());
}

/** Puts a command into the console. */
async function command(page: Page, frame: object): Promise<void> {
  await page.getByLabel('A command as JSON; the SDK gives it its id').fill(JSON.stringify(frame));
}

test('the playground is not there in production', async () => {
  expect((await fetch(`${production().server.url}/play`)).status).toBe(404);
  const ann = await production().person('ann');
  const { page } = await production().visit(ann);
  await page.getByRole('button', { name: 'Your account' }).click();
  await sees(page.getByRole('menuitem', { name: 'Log out' }));
  expect(await page.getByRole('menuitem', { name: 'Playground' }).count()).toBe(0);
});

test('one’s cable is cut, the other goes on, and the catch-up is shown', async () => {
  const visit = await begin();
  visit.expects(/WebSocket|Failed to load resource/);
  const { page } = visit;
  await write(page, 'Ada', 'Are you there?');
  await sees(seen(page, 'Bob').getByText('Are you there?'));
  await expectAccessibleEverywhere(page, 'playground');

  await side(page, 'Bob').getByRole('switch').click();
  await sees(side(page, 'Bob').getByText('Cable cut'));
  for (const text of ['One', 'Two', 'Three']) await write(page, 'Ada', text);
  await sees(seen(page, 'Ada').getByRole('article').filter({ hasText: 'Three' }));
  await side(page, 'Ada').getByRole('button', { name: 'edit last' }).click();
  await sees(seen(page, 'Ada').getByText(/Three.*\(corrected\)/));
  await write(page, 'Bob', 'Written in the dark');
  await sees(seen(page, 'Bob').getByText('waiting for the connection…'));
  expect(await seen(page, 'Bob').getByText('Three').count()).toBe(0);

  await side(page, 'Bob').getByRole('switch').click();
  await sees(side(page, 'Bob').getByText(/^Came back: from \d+ to \d+, 3 messages/));
  await sees(seen(page, 'Bob').getByText(/Three.*\(corrected\)/));
  await sees(seen(page, 'Ada').getByText('Written in the dark'));
  await seesNot(page.getByText('waiting for the connection…'));
  await sees(wire(page).getByText('conversation.changes'));
  await sees(wire(page).getByText('catch-up'));
  const texts = (name: string) => seen(page, name).locator('.text').allInnerTexts();
  expect(await texts('Bob')).toEqual(await texts('Ada'));
});

test('a copied curl runs in a shell, whatever the text', async () => {
  const { page } = await begin();
  const secrets = await copied(page, 'Copy token and password');
  const [{ conversation } = { conversation: 0 }] = await page.locator('body').evaluate(() =>
    Object.values({ ...sessionStorage }).flatMap((text) => {
      const found = /"(?:conversation|room)":\s*(?:\{"id":)?(\d+)/.exec(String(text));
      return found ? [{ conversation: Number(found[1]) }] : [];
    }),
  );
  const text = `It's "$HOME", \`id\`, $(id); a\\b\n!! & é 🎉`;
  await command(page, {
    type: 'message.send',
    data: { conversation: conversation || 1, text, client_id: randomUUID() },
  });
  const curl = await copied(page, 'Copy as curl');
  expect(curl).not.toContain('eyJ');
  const { stdout } = await promisify(execFile)('sh', ['-c', `${secrets}\n${curl} --silent --fail-with-body`]);
  expect(JSON.parse(stdout)).toMatchObject({ repeated: false });
  await becomes(() => seen(page, 'Bob').locator('.text').last().innerText(), text);
});

test('copied SDK code runs as it is', async () => {
  const { page } = await begin();
  const secrets = await copied(page, 'Copy token and password');
  const password = /PASSWORD='?([^'\n]+)'?/.exec(secrets)?.[1] ?? '';
  await command(page, { type: 'account.get' });
  const code = await copied(page, 'Copy as SDK code');
  const file = fileURLToPath(new URL(`./.copied-${randomUUID()}.ts`, import.meta.url));
  await writeFile(file, code);
  const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
  process.env['PASSWORD'] = password;
  try {
    await import(/* @vite-ignore */ file);
    expect(printed.mock.calls.at(-1)?.[0]).toMatchObject({ display_name: 'Ada' });
  } finally {
    printed.mockRestore();
    await rm(file);
  }
});

test('what is sent twice is stored once, and what is wrong is refused and shown', async () => {
  const { page } = await begin();
  const ada = side(page, 'Ada');
  await ada.getByRole('button', { name: 'send twice' }).click();
  await becomes(() => seen(page, 'Bob').getByText('Sent twice, stored once').count(), 1);
  for (const [button, code] of [
    ['same id, other text', 'idempotency_mismatch'],
    ['too long', 'invalid'],
    ['unknown command', 'unknown_command'],
  ] as const) {
    await ada.getByRole('button', { name: button }).click();
    await sees(page.getByText(new RegExp(code)));
  }
});

test('texts of the corpus are text on the wire and on both sides', async () => {
  const { page } = await begin();
  await page.evaluate(() => {
    const { reportTrouble } = window as unknown as { reportTrouble: (trouble: string) => void };
    Object.assign(window, { canary: (which: unknown) => reportTrouble(`canary ${String(which)}`) });
  });
  const some = PAYLOADS.filter((payload) => !/[\u0000-\u001f]/.test(payload)).slice(0, 40);
  for (const payload of some) await write(page, 'Ada', payload);
  await becomes(() => seen(page, 'Bob').locator('.text').count(), some.length, 20_000);
  const shown = await seen(page, 'Bob').locator('.text').allTextContents();
  expect(shown).toEqual(some.map((payload) => payload.trim()));
  await wire(page).locator('summary').last().click();
  await page.waitForTimeout(300);
  expect(await page.locator('iframe, object, embed, base, main script, main img, main svg a').count()).toBe(
    0,
  );
});

test('nothing of the playground touches who is logged in in the same browser', async () => {
  const eve = await town().person('eve');
  const visit = await town().visit(eve, '/');
  const { page } = visit;
  await sees(page.getByRole('heading', { name: 'Welcome, eve' }));
  const before = await page.evaluate(() => ({ ...localStorage }));
  await visit.goto('/play');
  await page.getByRole('button', { name: 'Start' }).click();
  await sees(seen(page, 'Ada'));
  expect(await page.evaluate(() => ({ ...localStorage }))).toEqual(before);
  await visit.goto('/');
  await sees(page.getByRole('heading', { name: 'Welcome, eve' }));
});
