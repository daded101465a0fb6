// The browser's notifications: of each unread message once on a device, however it came.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { becomes, conversations, log, message, sees } from '../town/look';
import { freePort } from '../town/server';
import { useTown } from '../town/town';

const near = await freePort();
const town = useTown({ 'server.allowed_origins': `http://127.0.0.1:${near}` });
const WANTED = { 'palabre.notify': 'all' };

/** In the place of the browser's notifications; one tab of two can be put behind the other. */
function noted(): void {
  const told: string[] = [];
  class Note {
    static permission = 'granted';
    static requestPermission = () => Promise.resolve('granted');
    onclick: (() => void) | null = null;
    constructor(title: string, { body }: { body: string }) {
      told.push(`${title}: ${body}`);
    }
    close() {}
  }
  Object.assign(window, { Notification: Note, told });
  const { hasFocus } = Document.prototype;
  Document.prototype.hasFocus = function (this: Document) {
    return sessionStorage.getItem('behind') === null && hasFocus.call(this);
  };
}
const told = (page: Page) => page.evaluate(() => (window as unknown as { told: string[] }).told);

test('a message that came while there was no line is told of when it is back, and once', async () => {
  const [ann, bob] = [await town().person('ann'), await town().person('bob')];
  const direct = await bob.directWith(ann);
  await ann.makeRoom('Elsewhere');
  await bob.say(direct, 'Hi');
  const cable = await town().cable(near);
  const visit = await town().visit(ann, { through: cable.url, kept: WANTED, before: noted });
  visit.expects(/WebSocket connection to .* failed/, /Failed to load resource/);
  const { page } = visit;
  await sees(conversations(page).getByText('Hi'));
  await page.waitForTimeout(2_000);
  // Messages from before are no news.
  expect(await told(page)).toEqual([]);
  cable.cut();
  await sees(page.getByText(/^No connection\./));
  await bob.say(direct, 'In the gap');
  cable.mend();
  await becomes(() => told(page), ['bob: In the gap'], 40_000);
  await bob.say(direct, 'Live');
  await becomes(async () => (await told(page)).at(-1), 'bob: Live');
  await page.waitForTimeout(2_000);
  expect(await told(page)).toHaveLength(2);
});

test('a tab does not tell of what one reads in another, and of two tabs one tells', async () => {
  const [cat, dan] = [await town().person('cat'), await town().person('dan')];
  const [here, there] = [await cat.makeRoom('Here'), await cat.makeRoom('There')];
  for (const room of [here, there]) await dan.join(room);
  await cat.say(here, 'First');
  const visit = await town().visit(dan, { path: `/c/${here.id}`, kept: WANTED, before: noted });
  visit.expects(/a page was opened/);
  await sees(message(visit.page, 'First'));
  const second = await visit.context.newPage();
  await second.goto(`${town().server.url}/c/${there.id}`);
  await second.evaluate(() => sessionStorage.setItem('behind', 'yes'));
  await second.reload();
  await sees(log(second));
  await sees(conversations(second).getByText('cat: First'));
  await cat.say(here, 'Seen in the first tab');
  await sees(message(visit.page, 'Seen in the first tab'));
  await second.waitForTimeout(3_000);
  expect([...(await told(visit.page)), ...(await told(second))]).toEqual([]);

  await visit.page.evaluate(() => sessionStorage.setItem('behind', 'yes'));
  await cat.say(here, 'Nobody looks');
  await becomes(
    async () => [...(await told(visit.page)), ...(await told(second))],
    ['cat · Here: Nobody looks'],
  );
  await becomes(() => second.title(), '(1) There');
  await becomes(() => visit.page.title(), '(1) Here');
});
