import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { composer, conversations, message, say, sees, seesNot } from '../town/look';
import { freePort } from '../town/server';
import { useTown } from '../town/town';

const near = await freePort();
const town = useTown({ 'server.allowed_origins': `http://127.0.0.1:${near}` });

/** Opens the same place once more, in a second tab of the same browser. */
async function secondTab(page: Page): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto(page.url());
  await sees(composer(tab));
  return tab;
}

/** Waits until nothing is on its way any more. */
const allSent = (page: Page) => seesNot(page.getByText(/(Sending|Waiting for the connection)…/));

test('two tabs of one person show the same, and end together', async () => {
  const [ann, bob] = [await town().person('ann'), await town().person('bob')];
  const room = await ann.makeRoom('kitchen');
  await bob.join(room);
  const visit = await town().visit(ann, { path: `/c/${room.id}` });
  visit.expects(/a page was opened/);
  const first = visit.page;
  await sees(composer(first));
  const second = await secondTab(first);

  await say(first, 'from the first tab');
  await sees(message(second, 'from the first tab'));
  await say(second, 'from the second tab');
  await sees(message(first, 'from the second tab'));
  for (const tab of [first, second]) await allSent(tab);
  await bob.say(room, 'to both');
  for (const tab of [first, second]) await sees(message(tab, 'to both'));
  expect((await ann.history(room)).map((one) => one.text)).toEqual([
    'from the first tab',
    'from the second tab',
    'to both',
  ]);

  await second.getByRole('button', { name: 'Your account' }).click();
  await second.getByRole('menuitem', { name: 'Log out' }).click();
  for (const tab of [second, first]) await sees(tab.getByRole('textbox', { name: 'Password' }));
});

test('what is written without a line in one tab is said once, though the other tab knows of it too', async () => {
  const cable = await town().cable(near);
  const cat = await town().person('cat');
  const room = await cat.makeRoom('cellar');
  const visit = await town().visit(cat, { path: `/c/${room.id}`, through: cable.url });
  visit.expects(/a page was opened/, /WebSocket connection to .* failed/, /Failed to load resource/);
  await sees(composer(visit.page));
  const second = await secondTab(visit.page);

  cable.cut();
  const said = ['one', 'two', 'three'];
  for (const text of said) await say(visit.page, text);
  await say(second, 'four');
  cable.mend();
  for (const text of [...said, 'four']) {
    for (const tab of [visit.page, second]) await sees(message(tab, text));
  }
  for (const tab of [visit.page, second]) await allSent(tab);
  const kept = (await cat.history(room)).map((one) => one.text);
  expect(kept.toSorted()).toEqual([...said, 'four'].toSorted());
  expect(kept.filter((text) => said.includes(text ?? ''))).toEqual(said);
  await sees(conversations(second).getByText('cellar'));
});
