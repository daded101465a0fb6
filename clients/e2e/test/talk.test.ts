import type { Conversation } from '@palabre/sdk';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  becomes,
  composer,
  conversations,
  dialog,
  log,
  message,
  say,
  sees,
  seesNot,
  texts,
} from '../town/look';
import type { Person } from '../town/person';
import { backdate } from '../town/times';
import { useTown } from '../town/town';

const town = useTown();

/** Two people in a room. */
async function pair(names: readonly [string, string], room: string): Promise<[Person, Person, Conversation]> {
  const [one, other] = await Promise.all(names.map((name) => town().person(name)));
  if (!one || !other) throw new Error('Nobody came.');
  const made = await one.makeRoom(room);
  await other.join(made);
  return [one, other, made];
}

/** The tools of a message, which are shown while the pointer rests on it. */
async function tools(page: Page, text: string) {
  await message(page, text).hover();
  return message(page, text).getByRole('toolbar');
}

test('answers, edits and deletions are seen by the other at once', async () => {
  const [ada, ben, room] = await pair(['ada', 'ben'], 'Kitchen');
  const [a, b] = await Promise.all([town().visit(ada, `/c/${room.id}`), town().visit(ben, `/c/${room.id}`)]);
  await sees(composer(a.page));
  await say(b.page, 'Soup or salad?');
  await (await tools(a.page, 'Soup or salad?')).getByRole('button', { name: 'Reply', exact: true }).click();
  await sees(a.page.getByText('Replying to ben'));
  await say(a.page, 'Soop');
  const reply = message(b.page, 'Soop');
  await sees(reply.getByRole('button', { name: 'In reply to ben: Soup or salad?' }));

  await seesNot(a.page.getByText('Sending…'));
  await composer(a.page).press('ArrowUp');
  await sees(a.page.getByText('Editing your message'));
  await becomes(() => composer(a.page).inputValue(), 'Soop');
  await say(a.page, 'Soup, please');
  await sees(message(b.page, 'Soup, please').getByText('(edited)'));
  expect(await message(b.page, 'Soop').count()).toBe(0);

  await message(a.page, 'Soup, please').hover();
  await message(a.page, 'Soup, please').getByRole('button', { name: 'More' }).click();
  await a.page.getByRole('menuitem', { name: 'Delete' }).click();
  await sees(dialog(a.page).getByText('Delete this message for everybody?'));
  await dialog(a.page).getByRole('button', { name: 'Cancel' }).click();
  await seesNot(dialog(a.page));
  await becomes(() => message(a.page, 'Soup, please').count(), 1);
  await message(a.page, 'Soup, please').hover();
  await message(a.page, 'Soup, please').getByRole('button', { name: 'More' }).click();
  await a.page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog(a.page).getByRole('button', { name: 'Delete' }).click();
  await sees(b.page.getByText('This message was deleted.'));
  expect(await message(b.page, 'Soup, please').count()).toBe(0);

  // Others' messages can be neither edited nor deleted.
  const theirs = log(a.page).getByRole('article', { name: /^ben/ });
  await theirs.hover();
  await theirs.getByRole('button', { name: 'More' }).click();
  await sees(a.page.getByRole('menuitem', { name: 'Copy text' }));
  expect(await a.page.getByRole('menuitem', { name: 'Edit' }).count()).toBe(0);
});

test('reactions come by the quick buttons and by the picker, and are taken back', async () => {
  const [cat, dan, room] = await pair(['cat', 'dan'], 'Gallery');
  await cat.say(room, 'Look at this');
  const [c, d] = await Promise.all([town().visit(cat, `/c/${room.id}`), town().visit(dan, `/c/${room.id}`)]);
  await sees(message(c.page, 'Look at this'));
  await (await tools(d.page, 'Look at this')).getByRole('button', { name: 'React 👍' }).click();
  const thumb = (page: Page) => page.getByRole('button', { name: /reacted with 👍/ });
  const count = async (page: Page) => parseInt((await thumb(page).innerText()).replace(/\D+/, ''), 10);
  await sees(thumb(c.page));
  await thumb(c.page).click();
  await becomes(() => count(d.page), 2);
  expect(await thumb(c.page).getAttribute('aria-pressed')).toBe('true');
  await thumb(c.page).click();
  await becomes(() => count(d.page), 1);

  await (await tools(d.page, 'Look at this')).getByRole('button', { name: 'React', exact: true }).click();
  await d.page.getByRole('searchbox', { name: 'Search emoji' }).fill('party popper');
  await d.page.getByRole('button', { name: 'party popper' }).click();
  await sees(c.page.getByRole('button', { name: /dan reacted with 🎉/ }));
});

test('one sees who writes, and how far the other has read', async () => {
  const [eve, fay, room] = await pair(['eve', 'fay'], 'Porch');
  const [e, f] = await Promise.all([town().visit(eve, `/c/${room.id}`), town().visit(fay, `/c/${room.id}`)]);
  await sees(composer(e.page));
  await sees(composer(f.page));
  await composer(e.page).pressSequentially('Well, ');
  await sees(f.page.getByText('eve is typing…'));
  expect(await e.page.getByText('eve is typing…').count()).toBe(0);
  await say(e.page, 'Well, hello');
  await seesNot(f.page.getByText('eve is typing…'));

  await sees(message(e.page, 'Well, hello').getByRole('button', { name: 'Read by fay' }));
  // A person who looks at something else has not read it.
  await f.page.getByRole('link', { name: 'Discover rooms' }).click();
  await sees(f.page.getByRole('heading', { name: 'Discover rooms' }));
  await say(e.page, 'Are you there?');
  await sees(conversations(f.page).getByText('1 unread message'));
  expect(
    await message(e.page, 'Are you there?')
      .getByRole('button', { name: /Read by/ })
      .count(),
  ).toBe(0);
  await f.page.goBack();
  await sees(message(e.page, 'Are you there?').getByRole('button', { name: 'Read by fay' }));
});

test('days are separated, and a line shows where the new messages begin', async () => {
  const [gus, hal, room] = await pair(['gus', 'hal'], 'Diary');
  for (const text of ['Two days ago', 'Yesterday at noon', 'This morning', 'Just now'])
    await hal.say(room, text);
  const said = await hal.history(room);
  await gus.read(room, said[1]?.seq ?? 0);
  const ages = [2 * 1440, 1440, 1, 0];
  const { page } = await town().visit(gus, {
    path: `/c/${room.id}`,
    arrange: (context) => backdate(context, (_, seq) => ages[said.findIndex((one) => one.seq === seq)]),
  });
  await sees(message(page, 'Just now'));
  const lines = await log(page).evaluate((element) =>
    [...element.querySelectorAll('h2, [data-new], [data-key] .what > .text')].map((one) =>
      one.textContent?.trim(),
    ),
  );
  expect(lines.slice(1)).toEqual([
    'Two days ago',
    'Yesterday',
    'Yesterday at noon',
    'Today',
    'New messages',
    'This morning',
    'Just now',
  ]);
  expect(lines[0]).toMatch(/^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? \d+ [A-Z][a-z]+/);
  // The line stays while one reads on, and is gone the next time.
  await becomes(async () => (await gus.do<Conversation>('GET', `/v1/conversations/${room.id}`)).unread, 0);
  await becomes(() => log(page).getByText('New messages').count(), 1);
  await page.reload();
  await sees(message(page, 'Just now'));
  await becomes(() => log(page).getByText('New messages').count(), 0);
});

test('drafts are kept, each in its conversation', async () => {
  const [ida, , room] = await pair(['ida', 'jim'], 'Desk');
  const other = await ida.makeRoom('Shelf');
  const { page } = await town().visit(ida, `/c/${room.id}`);
  await composer(page).fill('Half a thou');
  await conversations(page).getByRole('link', { name: /Shelf/ }).click();
  await sees(page.getByRole('heading', { level: 1, name: 'Shelf' }));
  await becomes(() => composer(page).inputValue(), '');
  await composer(page).fill('Another');
  await page.reload();
  await becomes(() => composer(page).inputValue(), 'Another');
  await page.goBack();
  await sees(page.getByRole('heading', { level: 1, name: 'Desk' }));
  await becomes(() => composer(page).inputValue(), 'Half a thou');
  await say(page, 'Half a thought');
  await sees(message(page, 'Half a thought'));
  await page.goto(`${town().server.url}/c/${other.id}`);
  await becomes(() => composer(page).inputValue(), 'Another');
  await page.goto(`${town().server.url}/c/${room.id}`);
  await sees(message(page, 'Half a thought'));
  await becomes(() => composer(page).inputValue(), '');
});

test('links lead where they say, safely, and the rest is text', async () => {
  const [kai, , room] = await pair(['kai', 'lee'], 'Links');
  await kai.say(room, 'See https://example.org/a?b=c#d, and http://example.net.');
  await kai.say(
    room,
    'Not these: javascript:alert(1) data:text/html,x ftp://example.org https://bank.example@evil.example/',
  );
  await kai.say(room, '**bold** <b>html</b> [name](https://example.com/)\nsecond line');
  const { page } = await town().visit(kai, `/c/${room.id}`);
  await sees(message(page, 'second line'));
  const links = await log(page)
    .locator('a')
    .evaluateAll((all) =>
      all.map((one) => [one.getAttribute('href'), one.getAttribute('rel'), one.getAttribute('target')]),
    );
  expect(links.map(([href]) => href)).toEqual([
    'https://example.org/a?b=c#d',
    'http://example.net/',
    'https://example.com/',
  ]);
  for (const [, rel, target] of links) {
    expect(target).toBe('_blank');
    expect(rel?.split(' ')).toEqual(expect.arrayContaining(['noopener', 'noreferrer']));
  }
  expect((await texts(page)).at(-1)).toContain('bold <b>html</b> name');
});
