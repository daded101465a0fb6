// Names and texts that a person could mistake.
import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { becomes, composer, conversations, log, message, say, sees } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

test('names stand by themselves, look-alikes show their usernames, and only members are mentioned', async () => {
  const [ada, ben, cyd] = await Promise.all(['ada', 'ben', 'cyd'].map((name) => town().person(name)));
  if (!ada || !ben || !cyd) throw new Error('Nobody came.');
  await ben.update({ display_name: 'Alice \u202egnikaeps' });
  await cyd.update({ display_name: 'AIice gnikaeps' });
  const room = await ada.makeRoom('Kitchen');
  await ben.join(room);
  await cyd.join(room);
  await ben.say(room, 'pay 100 to bob, @ada');
  await cyd.say(room, '@here @all @nobody 你好@ben，请看https://example.org/a。');
  await ada.say(room, 'nothing alike');
  const { page } = await town().visit(ada, `/c/${room.id}`);
  await sees(message(page, 'pay 100'));

  const names = log(page).locator('.who');
  await becomes(() => names.locator('small').allInnerTexts(), ['@ben', '@cyd']);
  expect(await names.locator('bdi').allInnerTexts()).toEqual(['Alice gnikaeps', 'AIice gnikaeps', 'ada']);
  expect(await log(page).locator('.mention').allInnerTexts()).toEqual([
    '@ada',
    '@here',
    '@all',
    '@Alice gnikaeps',
  ]);
  expect(await log(page).locator('a[href^="https:"]').first().getAttribute('href')).toBe(
    'https://example.org/a',
  );

  const line = conversations(page).locator(`[data-conversation="${room.id}"] .preview`);
  await becomes(() => line.locator('bdi').allInnerTexts(), ['nothing alike']);
  await ben.say(room, 'pay 200 to bob');
  await becomes(() => line.locator('bdi').allInnerTexts(), ['Alice gnikaeps', 'pay 200 to bob']);
  await becomes(() => line.innerText(), 'Alice gnikaeps: pay 200 to bob');
});

test('a text is sent with the indent of its first line', async () => {
  const dora = await town().person('dora');
  const room = await dora.makeRoom('Workshop');
  const { page } = await town().visit(dora, `/c/${room.id}`);
  await sees(composer(page));
  await say(page, '\n    first line\n        second  ');
  await sees(message(page, 'second'));
  // It is shown before the server has it.
  const stored = async () => {
    const path = `/v1/conversations/${room.id}/messages?limit=1`;
    const { messages } = await dora.do<{ messages: { text: string }[] }>('GET', path);
    return messages[0]?.text;
  };
  await expect.poll(stored, { timeout: 20_000 }).toBe('    first line\n        second');
});

/** Whether the first letter of a text on one line is seen. */
const showsItsBeginning = (line: Locator) =>
  line.evaluate((one) => {
    const isolate = [...one.querySelectorAll('bdi')].at(-1);
    const text = isolate && document.createTreeWalker(isolate, NodeFilter.SHOW_TEXT).nextNode();
    if (!text) return false;
    const range = document.createRange();
    range.setStart(text, 0);
    range.setEnd(text, 1);
    const [letter, box] = [range.getBoundingClientRect(), one.getBoundingClientRect()];
    return letter.left > box.left - 1 && letter.right < box.right + 1;
  });

test('a text is read from its own side, whatever stood there before, and is cut at its end', async () => {
  const [dov, eva] = [await town().person('dov'), await town().person('eva')];
  const room = await dov.makeRoom('Loft');
  await eva.join(room);
  const { page } = await town().visit(dov, '/');
  const line = conversations(page).locator(`[data-conversation="${room.id}"] .preview`);
  const direction = () =>
    line
      .locator('bdi')
      .last()
      .evaluate((one) => getComputedStyle(one).direction);
  await eva.say(room, 'First.');
  await sees(line.getByText('First.'));
  expect([await direction(), await showsItsBeginning(line)]).toEqual(['ltr', true]);
  const long = 'صباح الخير للجميع، انتهيت من مراجعة الفصل الرابع وأرسلت ملاحظاتي قبل اجتماع الغد ';
  const asked = await eva.say(room, long.repeat(4));
  await sees(line.getByText('صباح الخير'));
  expect([await direction(), await showsItsBeginning(line)]).toEqual(['rtl', true]);
  await eva.say(room, 'Last.', asked.seq);
  await sees(line.getByText('Last.'));
  expect([await direction(), await showsItsBeginning(line)]).toEqual(['ltr', true]);
  await page.goto(`${town().server.url}/c/${room.id}`);
  const quote = message(page, 'Last.').getByRole('button', { name: /^In reply to eva/ });
  expect(await showsItsBeginning(await sees(quote))).toBe(true);
  const box = await sees(composer(page));
  const side = () => box.evaluate((one) => getComputedStyle(one).direction);
  await box.fill('شكراً جزيلاً');
  await becomes(side, 'rtl');
  await box.fill('Thanks');
  await becomes(side, 'ltr');
});
