// The server below a path of its site, behind a proxy that takes the path off, and behind one that does not.
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { becomes, composer, conversations, dialog, message, say, sees } from '../town/look';
import { PASSWORD } from '../town/person';
import { Proxy } from '../town/proxy';
import { freePort } from '../town/server';
import { useTown } from '../town/town';

const PATH = '/chat';
const town = useTown({ 'web.playground': true });
let near = 0;
let proxy: Proxy | null = null;

town.settle(async () => {
  near = await freePort();
  await town().server.stop();
  await town().server.start({ 'server.public_url': `http://127.0.0.1:${near}${PATH}/` });
});
afterAll(() => proxy?.close());

async function behind(strips: boolean): Promise<Proxy> {
  proxy?.close();
  proxy = await Proxy.open({ near, far: town().server.port, path: PATH, strips });
  return proxy;
}

/** Where the browser is, without the site. */
const path = (page: Page) => new URL(page.url()).pathname;

async function logIn(page: Page, username: string): Promise<void> {
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
}

for (const strips of [true, false]) {
  const way = strips ? 'that takes it off' : 'that hands it on';

  test(`people log in, send and read below a path, behind a proxy ${way}`, async () => {
    const { url, astray } = await behind(strips);
    const [first, second] = strips ? ['ann', 'bob'] : ['cleo', 'dora'];
    const room = strips ? 'Lobby' : 'Attic';
    const visit = (where: string) => town().visit(null, { through: url, path: where });

    // The first administrator comes by the link that the server printed, all others by the page's own.
    if (strips) expect(town().server.log).toContain(`${url}/#setup=${town().server.setupSecret}`);
    const { page: ann } = await visit(strips ? `/#setup=${town().server.setupSecret}` : '');
    if (!strips) await ann.getByRole('link', { name: 'Create an account' }).click();
    expect(path(ann)).toBe(strips ? `${PATH}/` : `${PATH}/register`);
    await ann.getByLabel('Username').fill(first);
    await ann.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await ann.getByRole('button', { name: strips ? 'Become the administrator' : 'Create account' }).click();
    await sees(ann.getByRole('heading', { name: `Welcome, ${first}` }));
    expect(path(ann)).toBe(`${PATH}/`);

    await ann.getByRole('button', { name: 'New conversation' }).first().click();
    await dialog(ann).getByRole('radio', { name: /^Room/ }).check({ force: true });
    await dialog(ann).getByRole('textbox', { name: 'Name' }).fill(room);
    await dialog(ann).getByRole('button', { name: 'Create' }).click();
    await sees(ann.getByRole('heading', { level: 1, name: room }));
    expect(path(ann)).toMatch(/^\/chat\/c\/\d+$/);
    await say(ann, 'Is anybody here?');

    const { page: bob } = await visit('/login');
    await bob.getByRole('link', { name: 'Create an account' }).click();
    await bob.getByLabel('Username').fill(second);
    await bob.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await bob.getByRole('button', { name: 'Create account' }).click();
    await sees(bob.getByRole('heading', { name: `Welcome, ${second}` }));
    await bob.getByRole('link', { name: 'Discover rooms' }).first().click();
    expect(path(bob)).toBe(`${PATH}/discover`);
    await bob.getByRole('button', { name: `Join: ${room}` }).click();
    await sees(message(bob, 'Is anybody here?'));
    await say(bob, 'I am!');
    await sees(message(ann, 'I am!'));

    // A place can be opened by its address, and one goes back and forth as usual.
    await ann.reload();
    await sees(message(ann, 'I am!'));
    await ann
      .getByRole('link', { name: new RegExp(first) })
      .first()
      .click();
    await sees(ann.getByRole('heading', { level: 1, name: 'Settings' }));
    await ann.getByRole('link', { name: 'Appearance' }).click();
    await ann.getByRole('radio', { name: 'Dark' }).check({ force: true });
    expect(path(ann)).toMatch(/^\/chat\/settings\/\w+$/);
    await ann.goBack();
    await becomes(async () => path(ann), `${PATH}/settings`);
    await ann.reload();
    await becomes(() => ann.evaluate(() => document.documentElement.dataset['theme']), 'dark');
    await ann.getByRole('button', { name: 'Log out' }).click();
    await sees(ann.getByRole('heading', { name: 'Welcome back' }));
    expect(path(ann)).toBe(`${PATH}/login`);
    await logIn(ann, first);
    await conversations(ann)
      .getByRole('link', { name: new RegExp(room) })
      .click();
    await sees(composer(ann));
    await say(ann, 'Back again');
    await sees(message(bob, 'Back again'));

    expect(astray, 'what the rest of the site was asked for').toEqual([]);
    // The rest of the site has none of it in its part of the storage.
    const keys = await ann.evaluate(() => Object.keys(localStorage));
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => !key.startsWith('/chat:'))).toEqual([]);
  });

  test(`the playground and the documents are below the path, behind a proxy ${way}`, async () => {
    const { url, astray } = await behind(strips);
    const visit = await town().visit(null, {
      through: url,
      path: '/play',
      viewport: { width: 1440, height: 900 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const { page } = visit;
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByLabel('Write as Ada').fill('over the wire');
    await page.getByLabel('Write as Ada').press('Enter');
    await sees(page.getByRole('log', { name: 'What Bob sees' }).getByText('over the wire'));
    await page
      .getByLabel('A command as JSON; the SDK gives it its id')
      .fill(JSON.stringify({ type: 'account.get' }));
    await page.getByRole('button', { name: 'Copy as curl', exact: true }).last().click();
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(copied).toContain(`'${url}/v1/users/me'`);

    await page.getByRole('link', { name: 'The protocol' }).click();
    await sees(page.getByRole('heading', { name: /message\.send/ }));
    expect(path(page)).toBe(`${PATH}/docs`);
    expect(astray).toEqual([]);
  });
}
