import { expect, test } from 'vitest';
import { expectAccessible, expectAccessibleEverywhere, violations } from '../town/axe';
import { settle, type BelievableTown } from '../town/believable';
import { composer, dialog, log, message, say, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown({ 'server.environment': 'development', 'limits.typing_ms': 60_000 });
const plain = useTown();

let here: BelievableTown;

town.settle(async () => {
  here = await settle(town());
});

test('axe finds what is wrong, so that its silence means something', async () => {
  const { page } = await town().visit(null, '/login');
  await sees(page.getByRole('heading', { level: 1 }));
  await page.evaluate(() => document.querySelector('main')?.append(document.createElement('button')));
  expect((await violations(page)).join()).toContain('button-name');
});

test('the log-in pages', async () => {
  const setUp = await plain().visit(null, '/');
  await sees(setUp.page.getByRole('heading', { level: 1 }));
  await expectAccessibleEverywhere(setUp.page, 'set-up');

  const { page } = await town().visit(null, '/login');
  await sees(page.getByRole('button', { name: 'Log in' }));
  await expectAccessibleEverywhere(page, 'log-in');
  await page.getByRole('button', { name: 'Log in' }).click();
  await sees(page.getByText('Please enter your password.'));
  await expectAccessible(page, 'log-in with faults');
  await page.getByRole('link', { name: 'Create an account' }).click();
  await sees(page.getByRole('heading', { name: 'Create an account' }));
  await expectAccessibleEverywhere(page, 'register');
});

test('an empty client, and what is made in it', async () => {
  const nia = await town().person('nia');
  const { page } = await town().visit(nia);
  await sees(page.getByText('No conversations yet.'));
  await expectAccessibleEverywhere(page, 'welcome');
  await page.getByRole('button', { name: 'New conversation' }).first().click();
  for (const kind of ['Direct message', 'Group', 'Room']) {
    await dialog(page)
      .getByRole('radio', { name: new RegExp(`^${kind}`) })
      .check({ force: true });
    await sees(kind === 'Room' ? dialog(page).getByText('Who can join') : dialog(page).getByText('@ines'));
    await expectAccessible(page, `new ${kind}`);
  }
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  await sees(dialog(page).getByText('A room needs a name.'));
  await expectAccessibleEverywhere(page, 'new room with a fault');
});

test('a conversation with all that can be in one', async () => {
  const { ines, grace, tom } = here.people;
  const visit = await town().visit(ines, `/c/${here.garden.id}`);
  const { page, context } = visit;
  await sees(log(page).getByText('See you at the gate!'));
  await grace.type(here.garden, true);
  await sees(page.getByText('Grace Okafor is typing…'));
  const last = await tom.say(here.garden, 'Gone in a moment');
  await tom.delete(here.garden, last.seq);
  await sees(page.getByText('This message was deleted.'));
  await say(page, 'Changed my mind');
  await seesNot(page.getByText('Sending…'));
  await composer(page).press('ArrowUp');
  await say(page, 'Changed my mind twice');
  await sees(page.getByText('(edited)'));
  await expectAccessibleEverywhere(page, 'conversation');

  await message(page, 'Rain until nine').hover();
  await sees(page.getByRole('toolbar'));
  await expectAccessible(page, 'conversation with tools');
  await page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await sees(page.getByRole('menuitem', { name: 'Copy text' }));
  await expectAccessible(page, 'the menu of a message');
  await page.keyboard.press('Escape');
  await message(page, 'Count me in').hover();
  await sees(page.getByRole('toolbar'));
  await expectAccessible(page, 'a reply with tools');
  await message(page, 'Rain until nine').hover();
  await page.getByRole('toolbar').getByRole('button', { name: 'Reply', exact: true }).click();
  await sees(page.getByText('Replying to Tom Baker'));
  await expectAccessible(page, 'an answer');
  await page.keyboard.press('Escape');
  await composer(page).fill('@to');
  await sees(page.getByRole('listbox', { name: 'People to mention' }));
  await expectAccessible(page, 'a mention');
  await composer(page).fill('x'.repeat(2_001));
  await sees(page.getByText('1 character too many'));
  await expectAccessible(page, 'a text that is too long');
  await composer(page).fill('');

  await page.getByRole('button', { name: 'Details' }).click();
  await sees(page.getByRole('complementary', { name: 'Details' }));
  await expectAccessibleEverywhere(page, 'details');
  await page.getByRole('button', { name: 'Hide details' }).first().click();

  visit.expects(/WebSocket connection to .* failed/, /Failed to load resource: net::ERR_INTERNET/);
  await context.setOffline(true);
  await say(page, 'Written on the train');
  await sees(page.getByText(/^Connecting|^No connection/));
  await expectAccessibleEverywhere(page, 'without a connection');
});

test('details of people, and what is asked there', async () => {
  const { tom } = here.people;
  const { page } = await town().visit(tom, {
    path: `/c/${here.garden.id}`,
    kept: { 'palabre.details': 'open' },
  });
  const details = page.getByRole('complementary', { name: 'Details' });
  await sees(details.getByText('Sofia Rossi'));
  await details.getByRole('button', { name: 'Actions for Sofia Rossi' }).click();
  await sees(page.getByRole('menuitem', { name: 'Remove Sofia Rossi' }));
  await expectAccessible(page, 'the menu of a member');
  await page.getByRole('menuitem', { name: 'Remove Sofia Rossi' }).click();
  await sees(dialog(page));
  await expectAccessible(page, 'a question');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await details.getByRole('button', { name: 'Name, topic and picture' }).click();
  await sees(dialog(page).getByLabel('Topic'));
  await expectAccessible(page, 'name and topic');
  await page.keyboard.press('Escape');
  await details.getByRole('button', { name: 'Add people' }).click();
  await sees(dialog(page).getByRole('searchbox'));
  await expectAccessible(page, 'adding people');
  await page.keyboard.press('Escape');
  await page.goto(`${town().server.url}/c/${here.withTom.id}`);
  await sees(details.getByText('Bookbinder'));
  await expectAccessible(page, 'a person');
});

test('a message that was refused', async () => {
  const { yuki } = here.people;
  const { page } = await town().visit(yuki, {
    path: `/c/${here.lobby.id}`,
    kept: {
      [`palabre.outbox.${yuki.id}`]: JSON.stringify([
        {
          clientId: crypto.randomUUID(),
          conversation: here.lobby.id,
          text: 'x'.repeat(3_000),
          parent: null,
          at: Date.now(),
        },
      ]),
    },
  });
  await sees(log(page).getByRole('alert'));
  await expectAccessibleEverywhere(page, 'a refused message');
});

test('pickers, lists and searches', async () => {
  const { ines } = here.people;
  const { page } = await town().visit(ines, `/c/${here.lobby.id}`);
  await page.getByRole('button', { name: 'Emoji' }).click();
  await sees(page.getByRole('searchbox', { name: 'Search emoji' }));
  await page.getByRole('button', { name: 'Smileys' }).click();
  await sees(page.getByRole('button', { name: 'grinning face', exact: true }));
  await expectAccessibleEverywhere(page, 'emoji');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await sees(dialog(page).getByRole('option').first());
  await expectAccessible(page, 'go to');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Your account' }).click();
  await sees(page.getByRole('menuitem', { name: 'Log out' }));
  await expectAccessible(page, 'the menu of the account');
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Discover rooms' }).first().click();
  await sees(page.getByRole('heading', { name: 'Workshop' }));
  await expectAccessibleEverywhere(page, 'discover');
});

test('all settings', async () => {
  const { malik } = here.people;
  const { page } = await town().visit(malik, '/settings');
  for (const section of [
    'profile',
    'security',
    'sessions',
    'look',
    'notifications',
    'reminders',
    'keyboard',
  ]) {
    await page.goto(`${town().server.url}/settings/${section}`);
    await sees(page.getByRole('heading', { level: 2 }).or(page.getByRole('heading', { level: 1 })));
    await expectAccessible(page, section);
  }
  await page.goto(`${town().server.url}/settings/profile`);
  await sees(page.getByLabel('City'));
  await expectAccessibleEverywhere(page, 'settings');
});

test('the administration', async () => {
  const { ines } = here.people;
  const { page } = await town().visit(ines, '/admin');
  for (const [section, sign] of [
    ['people', 'Tom Baker'],
    ['rooms', 'Workshop'],
    ['statistics', 'Running for'],
  ] as const) {
    await page.goto(`${town().server.url}/admin/${section}`);
    await sees(page.getByRole('main').getByText(sign));
    await expectAccessibleEverywhere(page, `admin ${section}`);
  }
  const { page: other } = await town().visit(here.people.malik, '/admin');
  await sees(other.getByText('Only administrators of this server may see this.'));
  await expectAccessible(other, 'admin for others');
});

test('the playground', async () => {
  const { page } = await town().visit(null, '/play');
  await sees(page.getByRole('heading', { level: 1 }));
  await expectAccessibleEverywhere(page, 'playground before it begins');
});
