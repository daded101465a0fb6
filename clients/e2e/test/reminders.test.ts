import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { HeldCommands } from '../town/holding';
import { becomes, dialog, log, message, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

const notice = (page: Page) => page.getByRole('complementary', { name: 'Reminders' });

/** The server wants a second at least, and a request may take seconds where much else is done. */
const SOON = 6_000;
/** A moment so many milliseconds ahead. */
const ahead = (ms: number) => new Date(Date.now() + ms).toISOString();

test('a reminder is set at a message, listed in the settings, and cancelled there', async () => {
  const ann = await town().person('ann');
  const room = await ann.makeRoom('Garden');
  await ann.say(room, 'water the lime tree');
  const { page } = await town().visit(ann, { path: `/c/${room.id}` });
  await message(page, 'water the lime tree').hover();
  await page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Remind me' }).click();
  await sees(dialog(page));
  // A time that has passed is refused before it is sent.
  await page.getByRole('radio', { name: 'At another time' }).check();
  await page.getByLabel('Date and time').fill('2020-01-01T09:00');
  await dialog(page).getByRole('button', { name: 'Remind me' }).click();
  await sees(dialog(page).getByText('Please choose a time that is still to come.'));
  await page.getByRole('radio', { name: /Tomorrow at nine/ }).check();
  await dialog(page).getByRole('button', { name: 'Remind me' }).click();
  await seesNot(dialog(page));
  await sees(page.getByText(/You will be reminded/));
  await page.goto(`${town().server.url}/settings/reminders`);
  await sees(page.getByText('water the lime tree'));
  const { reminders } = await ann.do<{ reminders: { at: string }[] }>('GET', '/v1/reminders');
  expect(new Date(reminders[0]?.at ?? '').getMinutes()).toBe(0);
  await page.getByRole('button', { name: 'Cancel the reminder: water the lime tree' }).click();
  await sees(page.getByText('You have no reminders.', { exact: false }));
  await becomes(
    async () => (await ann.do<{ reminders: object[] }>('GET', '/v1/reminders')).reminders.length,
    0,
  );
});

test('what is due is shown on every device, leads to the message, and goes everywhere once it is done', async () => {
  const [bob, cid] = [await town().person('bob'), await town().person('cid')];
  const room = await cid.makeRoom('Kitchen');
  await bob.join(room);
  const dan = await town().person('dan', { display_name: 'Dan Miller' });
  await dan.join(room);
  const said = await dan.say(room, 'the bread is in the oven');
  await cid.sayAll(
    room,
    Array.from({ length: 80 }, (_, at) => `chatter ${at}`),
  );
  const desk = await town().visit(bob, { path: '/' });
  await sees(desk.page.getByRole('navigation', { name: 'Conversations' }));
  await bob.do('POST', '/v1/reminders', { conversation: room.id, seq: said.seq, at: ahead(SOON) });
  await sees(notice(desk.page).getByText('the bread is in the oven'));
  await sees(notice(desk.page).getByText('A reminder is due.'));
  await sees(notice(desk.page).getByText('Dan Miller in Kitchen'));
  // A page that is opened later finds it, too.
  const phone = await town().visit(bob, { path: '/', viewport: { width: 390, height: 800 } });
  await sees(notice(phone.page).getByText('the bread is in the oven'));
  await notice(phone.page).getByRole('button', { name: 'Show: the bread is in the oven' }).click();
  await sees(log(phone.page).getByText('the bread is in the oven'));
  await notice(desk.page).getByRole('button', { name: 'Done: the bread is in the oven' }).click();
  for (const { page } of [desk, phone]) await seesNot(notice(page).getByText('the bread is in the oven'));
});

test('whoever is reminded of what they may not see any more does not see it', async () => {
  const [eve, fay] = [await town().person('eve'), await town().person('fay')];
  const room = await eve.makeRoom('Attic');
  await fay.join(room);
  const said = await eve.say(room, 'a secret of the attic');
  await fay.do('POST', '/v1/reminders', { conversation: room.id, seq: said.seq, at: ahead(SOON) });
  await eve.remove(room, fay);
  const { page } = await town().visit(fay, { path: '/' });
  await sees(notice(page).getByText('A message that is no longer available'));
  await seesNot(page.getByText('a secret of the attic'));
});

/** Asks when, of one message. */
async function asks(page: Page, text: string): Promise<void> {
  await message(page, text).hover();
  await page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Remind me' }).click();
  await sees(dialog(page).getByRole('radio').first());
}

test('what was chosen for one message is not chosen for the next, and a late answer closes no form but its own', async () => {
  const gus = await town().person('gus');
  const room = await gus.makeRoom('Shed');
  for (const text of ['oil the saw', 'sharpen the axe']) await gus.say(room, text);
  const setting = new HeldCommands('reminder.create');
  const { page, context } = await town().visit(gus, { path: `/c/${room.id}`, arrange: setting.arrange });
  await sees(message(page, 'oil the saw'));
  const own = page.getByRole('radio', { name: 'At another time' });
  const chosen = () => dialog(page).getByRole('radio').first().isChecked();

  // The first form is on its way out when the second one is asked for: slowly, so that it is.
  await asks(page, 'oil the saw');
  await own.check();
  await page.getByLabel('Date and time').fill('2020-01-01T09:00');
  await dialog(page).getByRole('button', { name: 'Remind me' }).click();
  await sees(dialog(page).getByText('Please choose a time that is still to come.'));
  const cdp = await context.newCDPSession(page);
  await cdp.send('Animation.enable');
  await cdp.send('Animation.setPlaybackRate', { playbackRate: 0.001 });
  await page.keyboard.press('Escape');
  await message(page, 'sharpen the axe').focus();
  await page.getByRole('toolbar').getByRole('button', { name: 'More' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Remind me' }).focus();
  await page.keyboard.press('Enter');
  await becomes(() => page.locator('dialog[open]').count(), 1);
  expect(await chosen()).toBe(true);
  expect(await dialog(page).getByText('Please choose a time').count()).toBe(0);
  await cdp.send('Animation.setPlaybackRate', { playbackRate: 1 });
  await page.keyboard.press('Escape');
  await seesNot(dialog(page));

  // The first is given up while it is being set, and is set nevertheless.
  await asks(page, 'oil the saw');
  setting.hold();
  await dialog(page).getByRole('button', { name: 'Remind me' }).click();
  await becomes(async () => setting.count, 1);
  await page.keyboard.press('Escape');
  await seesNot(dialog(page));
  await asks(page, 'sharpen the axe');
  await own.check();
  setting.letGo();
  await sees(page.getByText(/You will be reminded/));
  expect(await own.isChecked()).toBe(true);
  await page.keyboard.press('Escape');
  await seesNot(dialog(page));
});
