import { expect, test } from 'vitest';
import { becomes, composer, conversations, dialog, log, message, say, sees, seesNot } from '../town/look';
import { PASSWORD } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();

test('from a fresh server to a talk between two people, without reading anything', async () => {
  // The operator opens the link that the server printed.
  const secret = town().server.setupSecret;
  expect(town().server.log).toContain(`/#setup=${secret}`);
  const first = await town().visit(null, `/#setup=${secret}`);
  const ann = first.page;
  await sees(ann.getByRole('heading', { level: 1, name: 'A new place to talk' }));
  expect(ann.url(), 'the secret stays in the address bar').not.toContain(secret);
  await ann.getByLabel('Username').fill('ann');
  await ann.getByLabel('Display name (optional)').fill('Ann Ström');
  await ann.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await ann.getByRole('button', { name: 'Become the administrator' }).click();
  await sees(ann.getByRole('heading', { name: 'Welcome, Ann Ström' }));

  // Somebody else opens an account in another browser.
  const second = await town().visit(null);
  const bob = second.page;
  await bob.getByRole('link', { name: 'Create an account' }).click();
  await bob.getByLabel('Username').fill('bob');
  await bob.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await bob.getByRole('button', { name: 'Create account' }).click();
  await sees(bob.getByRole('heading', { name: 'Welcome, bob' }));
  expect(new URL(bob.url()).pathname).toBe('/');

  // Ann opens a room.
  await ann.getByRole('button', { name: 'New conversation' }).first().click();
  await dialog(ann).getByRole('radio', { name: /^Room/ }).check({ force: true });
  await dialog(ann).getByRole('textbox', { name: 'Name' }).fill('Lobby');
  await dialog(ann).getByLabel('What is it about?').fill('Come in, sit down');
  await dialog(ann).getByRole('button', { name: 'Create' }).click();
  await sees(ann.getByRole('heading', { level: 1, name: 'Lobby' }));
  await say(ann, 'Is anybody here?');
  await sees(message(ann, 'Is anybody here?'));

  // Bob finds it, and goes in.
  await bob.getByRole('link', { name: 'Discover rooms' }).first().click();
  await sees(bob.getByText('Come in, sit down'));
  await bob.getByRole('button', { name: 'Join: Lobby' }).click();
  await sees(message(bob, 'Is anybody here?'));
  await say(bob, 'I am!');
  await sees(message(ann, 'I am!'));

  // Bob writes to Ann alone; she sees that something is unread.
  await bob.getByRole('button', { name: 'New conversation' }).first().click();
  await dialog(bob).getByRole('searchbox').fill('ann');
  await dialog(bob)
    .getByRole('button', { name: /Ann Ström/ })
    .click();
  await dialog(bob).getByRole('button', { name: 'Open' }).click();
  await sees(bob.getByRole('heading', { level: 1, name: 'Ann Ström' }));
  await say(bob, 'Between the two of us');
  await say(bob, 'The tea is cold');
  const direct = conversations(ann).getByRole('link', { name: /bob/ }).first();
  await sees(direct.getByText('2 unread messages'));
  await becomes(() => ann.title(), '(2) Lobby');
  await direct.click();
  await sees(message(ann, 'The tea is cold'));
  await seesNot(direct.getByText('unread'));
  await becomes(() => ann.title(), 'bob');

  // A reload changes nothing.
  const before = await log(ann).getByRole('article').allInnerTexts();
  await ann.reload();
  await sees(message(ann, 'The tea is cold'));
  expect(new URL(ann.url()).pathname).toMatch(/^\/c\/\d+$/);
  await becomes(() => log(ann).getByRole('article').count(), before.length);
  await becomes(() => conversations(ann).getByRole('listitem').count(), 2);
});

test('who logs out leaves nothing of theirs in the browser', async () => {
  const cleo = await town().person('cleo', { display_name: 'Cleo' });
  const room = await cleo.makeRoom('Attic');
  await cleo.say(room, 'A word that must not stay');
  const { page } = await town().visit(cleo, `/c/${room.id}`);
  await sees(message(page, 'A word that must not stay'));
  await composer(page).fill('An unsent secret');
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('button', { name: 'Emoji' }).click();
  await page
    .getByRole('button', { name: 'thumbs up' })
    .or(page.getByRole('button', { name: '👍' }))
    .first()
    .click();
  await page.getByRole('link', { name: /Cleo/ }).click();
  await page.getByRole('link', { name: 'Appearance' }).click();
  await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
  await page.getByRole('button', { name: 'Log out' }).click();
  await sees(page.getByRole('heading', { name: 'Welcome back' }));

  const left = await page.evaluate(() => ({ ...localStorage, ...sessionStorage }));
  const theirs = Object.keys(left).filter((key) => !/^palabre\.(theme|language)$/.test(key));
  expect(theirs).toEqual([]);
  const body = await page.evaluate(() => document.documentElement.outerHTML);
  expect(body).not.toContain('unsent secret');
  expect(body).not.toContain('must not stay');

  // The back button brings nothing back.
  await page.goBack();
  await sees(page.getByRole('button', { name: 'Log in' }));
  // The tokens that were here are worth nothing any more.
  await expect(cleo.do('GET', '/v1/users/me')).rejects.toThrow('401');
});

test('a wrong set-up code and a taken name are said beside their fields', async () => {
  const visit = await town().visit(null, '/register');
  visit.expects(/console error: Failed to load resource.*(409|422)/);
  const { page } = visit;
  await page.getByLabel('Username').fill('x');
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await sees(page.getByText('At least 3 characters, please.'));
  await sees(page.getByText('At least 8 characters, please.'));
  await page.getByLabel('Username').fill('ANN');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await sees(page.getByText('This username is taken.'));
  expect(await page.getByLabel('Username').evaluate((field) => field === document.activeElement)).toBe(true);
});
