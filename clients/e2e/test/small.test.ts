// Small things that people meet every day.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, expectAccessibleEverywhere } from '../town/axe';
import { getsFocus } from '../town/keyboard';
import { becomes, composer, conversations, dialog, log, message, say, sees, seesNot } from '../town/look';
import { PASSWORD } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();
town.settle(() => town().administrator('root'));

test('a hidden conversation comes back by one click, and is found by its name after a reload', async () => {
  const ann = await town().person('ann');
  const room = await ann.makeRoom('Attic');
  await ann.makeRoom('Cellar');
  const { page } = await town().visit(ann, `/c/${room.id}`);
  const listed = conversations(page).getByRole('link', { name: /Attic/ });
  const hide = async () => {
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('button', { name: 'Hide from the list' }).click();
    await seesNot(listed);
  };
  await sees(composer(page));
  await hide();
  await sees(page.getByText('“Attic” is hidden until something happens in it.'));
  await expectAccessible(page, 'hidden, with a way back');
  await page.getByRole('button', { name: 'Undo' }).click();
  await sees(listed);
  await sees(page.getByRole('heading', { level: 1, name: 'Attic' }));
  await page.getByRole('button', { name: 'Hide details' }).first().click();
  await hide();
  await page.reload();
  await sees(conversations(page).getByRole('link', { name: /Cellar/ }));
  await page.keyboard.press('Control+k');
  await sees(page.getByRole('combobox'));
  await page.keyboard.type('atti');
  await sees(page.getByRole('option', { name: 'Attic (hidden)' }));
  await page.keyboard.press('Enter');
  await sees(page.getByRole('heading', { level: 1, name: 'Attic' }));
  await sees(listed);
});

test('a link to a public room offers to join it; one to a private room says that it is not there', async () => {
  const [bea, cid] = [await town().person('bea'), await town().person('cid')];
  const open = await bea.makeRoom('Garden', { topic: 'Roses' });
  const closed = await bea.makeRoom('Garage', { visibility: 'private' });
  const { page } = await town().visit(cid, `/c/${open.id}`);
  await sees(page.getByRole('heading', { level: 1, name: 'Garden' }));
  await sees(page.getByText('Roses'));
  await expectAccessibleEverywhere(page, 'an offer to join');
  await page.getByRole('button', { name: 'Join' }).click();
  await sees(composer(page));
  await page.goto(`${town().server.url}/c/${closed.id}`);
  await sees(page.getByText('This conversation does not exist, or you are not a member.'));
  await sees(page.getByRole('heading', { name: 'Welcome, cid' }));
});

test('a screen reader that goes from message to message hears their text', async () => {
  const dee = await town().person('dee');
  const room = await dee.makeRoom('Radio');
  await dee.say(room, 'Can you hear me?');
  const { page } = await town().visit(dee, `/c/${room.id}`);
  await sees(message(page, 'Can you hear me?'));
  const name = await page.getByRole('article', { name: /^dee, \d\d:\d\d Can you hear me\?$/ }).count();
  expect(name).toBe(1);
});

test('a file that is dropped or pasted anywhere is attached, and the page and its text stay', async () => {
  const eli = await town().person('eli');
  const room = await eli.makeRoom('Files');
  const { page } = await town().visit(eli, `/c/${room.id}`);
  await composer(page).fill('Half a text');
  const give = (type: 'drop' | 'dragover' | 'paste', on: string) =>
    page.locator(on).evaluate((element, type) => {
      const data = new DataTransfer();
      data.items.add(new File(['x'], 'x.png', { type: 'image/png' }));
      const event =
        type === 'paste'
          ? new ClipboardEvent(type, { clipboardData: data, bubbles: true, cancelable: true })
          : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
      return !element.dispatchEvent(event);
    }, type);
  const attached = page.getByRole('list', { name: 'Attached files' }).getByText('x.png');
  expect(await give('dragover', 'nav')).toBe(true);
  await sees(page.getByText('Drop files here to attach them'));
  expect(await give('drop', 'nav')).toBe(true);
  await sees(attached);
  await seesNot(page.getByText('Drop files here to attach them'));
  await give('paste', 'textarea');
  await becomes(() => attached.count(), 2);
  await becomes(() => composer(page).inputValue(), 'Half a text');
});

test('people are chosen with the keyboard: Enter takes the one who is found, the arrow leads to the list', async () => {
  const [fin, gus] = [await town().person('finnegan'), await town().person('gustave')];
  await town().person('gustavine');
  const { page } = await town().visit(fin);
  await sees(page.getByRole('heading', { name: 'Welcome, finnegan' }));
  const begin = async (typed: string) => {
    await page.keyboard.press('Alt+n');
    await getsFocus(dialog(page).getByRole('searchbox'));
    await page.keyboard.type(typed);
  };
  await begin('gustave');
  // Faster than the answer.
  await page.keyboard.press('Enter');
  await sees(dialog(page).getByRole('button', { name: /^gustave/, pressed: true }));
  await page.keyboard.press('Enter');
  await sees(page.getByRole('heading', { level: 1, name: gus.username }));
  await begin('gustav');
  await sees(dialog(page).getByRole('button', { name: /^gustavine/ }));
  await page.keyboard.press('ArrowDown');
  await getsFocus(dialog(page).getByRole('button', { name: /^gustave/ }));
  await page.keyboard.press('ArrowDown');
  await getsFocus(dialog(page).getByRole('button', { name: /^gustavine/ }));
  await page.keyboard.press('Enter');
  await sees(dialog(page).getByRole('button', { name: /^gustavine/, pressed: true }));
});

test('names, avatars and mentions in the timeline open the profile', async () => {
  const [hub, ivy] = [
    await town().person('hub', { city: 'Lyon', display_name: 'Hubert' }),
    await town().person('ivy', { city: 'Brest' }),
  ];
  const room = await hub.makeRoom('Faces');
  await ivy.join(room);
  await hub.say(room, 'Ask @ivy, not @nobody-at-all');
  const { page } = await town().visit(ivy, `/c/${room.id}`);
  const row = message(page, 'Ask @ivy');
  for (const press of [
    () => row.getByRole('button', { name: 'Hubert' }).click(),
    () => row.locator('.face').click(),
  ]) {
    await sees(row);
    await press();
    await sees(dialog(page).getByText('Lyon'));
    await page.keyboard.press('Escape');
    await seesNot(dialog(page));
  }
  await row.getByRole('button', { name: '@ivy' }).click();
  await sees(dialog(page).getByText('Brest'));
  await page.keyboard.press('Escape');
  // The name of somebody who is not here is no mention, and nothing to press.
  expect(await row.getByRole('button', { name: '@nobody-at-all' }).count()).toBe(0);
});

test('the message that is being edited is marked in the timeline', async () => {
  const jim = await town().person('jim');
  const room = await jim.makeRoom('Marks');
  await jim.say(room, 'Soop');
  const { page } = await town().visit(jim, `/c/${room.id}`);
  await sees(message(page, 'Soop'));
  await composer(page).press('ArrowUp');
  await sees(log(page).locator('.row.editing').getByText('Soop'));
  await expectAccessible(page, 'an edit under way');
  await composer(page).press('Escape');
  await seesNot(log(page).locator('.row.editing'));
});

/** How often the Tab key stops before it comes to the messages. */
async function stopsBeforeLog(page: Page): Promise<number> {
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  for (let stops = 1; stops < 400; stops += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => document.activeElement?.getAttribute('role') === 'log')) return stops;
  }
  return Infinity;
}

test('the list of conversations is one stop of the Tab key, in which the arrows move', async () => {
  const [kai, lou] = [await town().person('kai'), await town().person('lou')];
  const rooms = [];
  for (let at = 0; at < 40; at += 1) rooms.push(await kai.makeRoom(`Stop ${at}`));
  const room = rooms.at(-1);
  if (!room) throw new Error('no room');
  await lou.join(room);
  for (let at = 0; at < 30; at += 1)
    await kai.react(room, (await lou.say(room, `@kai https://example.org/${at}`)).seq, '👍');
  const { page } = await town().visit(kai, `/c/${room.id}`);
  await sees(message(page, 'https://example.org/29'));
  expect(await stopsBeforeLog(page)).toBeLessThan(15);
  await conversations(page)
    .getByRole('link', { name: /Stop 39/ })
    .focus();
  await page.keyboard.press('ArrowDown');
  await getsFocus(conversations(page).getByRole('link', { name: /Stop 38/ }));
  await page.keyboard.press('End');
  await getsFocus(conversations(page).getByRole('link', { name: /Stop 0/ }));
  // The controls of a message are stops while it has the focus, and the composer is near.
  await log(page).focus();
  await page.keyboard.press('Tab');
  await getsFocus(page.getByRole('button', { name: /new messages$/ }));
  await page.keyboard.press('Tab');
  await getsFocus(composer(page));
  await log(page).focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.closest('[role=article]') !== null)).toBe(true);
});

test('the log-in page takes at most twelve requests', async () => {
  const visit = await town().visit(null, '/login');
  await sees(visit.page.getByRole('button', { name: 'Log in' }));
  await visit.page.waitForTimeout(1_000);
  const requests: string[] = [];
  visit.context.on('request', (request) => requests.push(request.url()));
  await visit.page.reload();
  await sees(visit.page.getByRole('button', { name: 'Log in' }));
  await visit.page.waitForTimeout(1_000);
  const paths = requests.map((url) => new URL(url).pathname);
  // Requests of the page before it do not count.
  const own = paths.slice(paths.indexOf('/login'));
  console.info(`log-in page: ${own.length} requests`, own.join(' '));
  expect(own[0]).toBe('/login');
  expect(own.length).toBeLessThanOrEqual(12);
});

test('the preferred language is the language of the page, here and on another device that is open', async () => {
  const max = await town().person('max');
  const phone = await town().visit(max, { viewport: { width: 390, height: 844 } });
  await sees(phone.page.getByText('Discover rooms'));
  const { page } = await town().visit(max, '/settings/profile');
  await page.getByLabel('Preferred language').selectOption('fr');
  await page.getByRole('button', { name: 'Save' }).click();
  await sees(page.getByText('Enregistré.'));
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('fr');
  await sees(phone.page.getByText('Découvrir les salons'));
  await page.reload();
  await sees(page.getByRole('button', { name: 'Enregistrer' }));
});

test('the email address can be given, and is logged in by', async () => {
  const ned = await town().person('ned');
  const visit = await town().visit(ned, '/settings/profile');
  visit.expects(/Failed to load resource.*401/);
  const { page } = visit;
  const email = page.getByLabel('Email address');
  await email.fill('nowhere');
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change the email address' }).click();
  await sees(page.getByText('This does not look like an email address.'));
  await email.fill('ned@example.org');
  await page.getByLabel('Current password').fill('not it at all');
  await page.getByRole('button', { name: 'Change the email address' }).click();
  await sees(page.getByText('The current password is wrong.'));
  await expectAccessibleEverywhere(page, 'the email address');
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change the email address' }).click();
  await sees(page.getByText('Saved.'));
  await sees(page.getByText('ned@example.org'));
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Username or email address').fill('NED@example.org');
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await sees(page.getByRole('heading', { name: 'Welcome, ned' }));
});

test('who touches nothing for a while is away, and back with the first touch', async () => {
  const [oda, pam] = [await town().person('oda'), await town().person('pam')];
  const room = await oda.directWith(pam);
  await oda.say(room, 'Hello');
  const { page } = await town().visit(oda, {
    path: `/c/${room.id}`,
    arrange: async (context) => {
      await context.clock.install({ time: new Date() });
      await context.clock.resume();
    },
  });
  await sees(message(page, 'Hello'));
  const presence = async () => {
    const { people } = await pam.do<{ people: { presence: string }[] }>(
      'GET',
      `/v1/presence?users=${oda.id}`,
    );
    return people[0]?.presence;
  };
  await becomes(presence, 'online');
  await page.clock.fastForward('06:00');
  await becomes(presence, 'away');
  await sees(conversations(page).getByText('Away'));
  await page.mouse.move(200, 200);
  await page.mouse.move(300, 300);
  await becomes(presence, 'online');
});

test('with the reader’s own colours one still sees what is current', async () => {
  const quy = await town().person('quy');
  const [one] = [await quy.makeRoom('Here'), await quy.makeRoom('There')];
  const { page } = await town().visit(quy, { path: `/c/${one.id}`, forcedColors: 'active' });
  await sees(composer(page));
  const outline = (name: RegExp) =>
    conversations(page)
      .getByRole('link', { name })
      .evaluate((link) => getComputedStyle(link).outlineStyle);
  expect([await outline(/^Here/), await outline(/^There/)]).toEqual(['solid', 'none']);
});

test('a name is not cut in a quote where there is room, and times stay on one line', async () => {
  const ray = await town().person('ray', {
    display_name: 'Raymond of the Seven Long Valleys and the Eighth One',
  });
  const room = await ray.makeRoom('Quotes');
  const { seq } = await ray.say(room, 'Yes');
  await ray.say(room, 'No', seq);
  const { page } = await town().visit(ray, `/c/${room.id}`);
  const name = message(page, 'No').locator('button b').first();
  await sees(name);
  expect(await name.evaluate((one) => one.scrollWidth <= one.clientWidth)).toBe(true);
  await page.setViewportSize({ width: 320, height: 700 });
  const time = message(page, 'Yes').locator('.who time').first();
  expect((await time.boundingBox())?.height ?? 99).toBeLessThan(24);
});

test('the API reference breaks no name, and leads back', async () => {
  for (const width of [1280, 390]) {
    const { page } = await town().visit(null, { path: '/docs', viewport: { width, height: 800 } });
    const names = page.locator('td:first-child code');
    await names.first().waitFor();
    const broken = await names.evaluateAll((all) =>
      all.filter((one) => one.getClientRects().length > 1).map((one) => one.textContent),
    );
    expect(broken).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.getByRole('link', { name: 'Back to the conversations' }).click();
    await sees(page.getByRole('button', { name: 'Log in' }));
  }
});

test('a message that failed can be copied before it is discarded', async () => {
  const sam = await town().person('sam');
  const room = await sam.makeRoom('Mute');
  const { page } = await town().visit(sam, {
    path: `/c/${room.id}`,
    arrange: async (context) => {
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    },
  });
  await sees(composer(page));
  await page.evaluate(
    (id) => {
      const failed = { code: 'invalid', status: 422, detail: '' };
      const one = {
        clientId: 'x1',
        conversation: id.room,
        text: 'Take me along',
        parent: null,
        at: Date.now(),
        failed,
      };
      localStorage.setItem(`palabre.outbox.${id.user}`, JSON.stringify([one]));
    },
    { room: room.id, user: sam.id },
  );
  await page.reload();
  await message(page, 'Take me along').getByRole('button', { name: 'Copy text' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('Take me along');
  await say(page, 'Next');
  await sees(message(page, 'Next'));
});
