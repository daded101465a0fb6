import { expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { composer, conversations, dialog, log, message, say, sees, seesNot } from '../town/look';
import type { Person } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();
let first: Person | null = null;
/** There is one in this town. */
const administrator = async () => (first ??= await town().administrator('ann'));

/** A picture of two colours, wider than high. */
const WIDE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAACgAAAAUCAIAAABwJOjsAAAAJ0lEQVR42mP4r6BANqJA63+GUYtHLR61eNTiUYtHLR61eNTikWMxAOhM5Q5fPEbQAAAAAElFTkSuQmCC',
  'base64',
);
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('a picture is chosen, cropped and seen by the others beside what one says, and then removed', async () => {
  const ann = await administrator();
  const bob = await town().person('bob');
  const room = await ann.makeRoom('Garden');
  await bob.join(room);
  await ann.say(room, 'hello');
  const { page } = await town().visit(ann, '/settings/profile');
  const { page: other } = await town().visit(bob, `/c/${room.id}`);
  await sees(message(other, 'hello'));
  await sees(page.getByRole('button', { name: 'Choose a picture' }));
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: WIDE });
  await sees(dialog(page).getByRole('img', { name: 'What is shown of the picture' }));
  await dialog(page).getByRole('slider', { name: 'Zoom' }).fill('2');
  await expectAccessible(page, 'a picture that is cropped');
  await dialog(page).getByRole('button', { name: 'Use this picture' }).click();
  await sees(page.getByText('The picture is changed.'));
  const shown = log(other).locator('.avatar img');
  await expect
    .poll(() => shown.first().evaluate((one) => (one as HTMLImageElement).naturalWidth))
    .toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Remove the picture' }).click();
  await seesNot(shown);
  await sees(log(other).locator('.avatar').getByText('A', { exact: true }));
});

test('an administrator of the server takes away a picture that nobody should see', async () => {
  const ann = await administrator();
  const dora = await town().person('dora');
  const room = await ann.makeRoom('Hedge');
  await dora.join(room);
  await dora.say(room, 'how do I look?');
  const headers = { authorization: `Bearer ${dora.tokens.access_token}` };
  const uploaded = await fetch(`${dora.url}/v1/files?name=me.png`, { method: 'POST', headers, body: WIDE });
  const { id } = (await uploaded.json()) as { id: string };
  await dora.do('PUT', '/v1/users/me/avatar', { picture: id });
  const { page } = await town().visit(ann, `/c/${room.id}`);
  const shown = message(page, 'how do I look?').locator('.avatar img');
  await sees(shown);
  await message(page, 'how do I look?').getByRole('button', { name: 'dora' }).first().click();
  await sees(dialog(page).getByText('@dora'));
  await expectAccessible(page, 'the profile of somebody with a picture');
  await dialog(page).getByRole('button', { name: 'Remove the picture' }).click();
  await sees(page.getByText('The picture of dora is removed for everybody.'));
  await dialog(page).last().getByRole('button', { name: 'Remove the picture' }).click();
  await sees(page.getByText('The picture is removed.'));
  await seesNot(shown);
  await seesNot(dialog(page).getByRole('button', { name: 'Remove the picture' }));
  // The button is for moderators only, and not in one's own profile.
  const { page: own } = await town().visit(dora, `/c/${room.id}`);
  await message(own, 'how do I look?').getByRole('button', { name: 'dora' }).first().click();
  await sees(dialog(own).getByText('@dora'));
  await seesNot(dialog(own).getByRole('button', { name: 'Remove the picture' }));
});

test('a room has a picture, which its members see in their list', async () => {
  const cleo = await town().person('cleo');
  const room = await cleo.makeRoom('Orchard');
  const { page } = await town().visit(cleo, `/c/${room.id}`);
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('button', { name: 'Name, topic and picture' }).click();
  await dialog(page)
    .locator('input[type=file]')
    .setInputFiles({ name: 'tree.png', mimeType: 'image/png', buffer: WIDE });
  await page.getByRole('button', { name: 'Use this picture' }).click();
  await sees(conversations(page).locator('.avatar img'));
});

test('an emoji of the server is added, written, reacted with and seen as a picture', async () => {
  const ann = await administrator();
  const room = await ann.makeRoom('Aviary');
  const visit = await town().visit(ann, '/admin/emoji');
  const { page } = visit;
  await page.getByRole('button', { name: 'Add an emoji' }).click();
  await dialog(page)
    .getByLabel('Picture')
    .setInputFiles({ name: 'Party Parrot.png', mimeType: 'image/png', buffer: PIXEL });
  await expect.poll(() => dialog(page).getByLabel('Name').inputValue()).toBe('party_parrot');
  await expectAccessible(page, 'a new emoji');
  await dialog(page).getByRole('button', { name: 'Add an emoji' }).click();
  await sees(page.getByText(':party_parrot:'));
  await expectAccessible(page, 'the emoji of the server');
  await visit.goto(`/c/${room.id}`);
  await sees(composer(page));
  // Completed by its name.
  await composer(page).pressSequentially('look :party');
  await sees(page.getByRole('option', { name: 'party_parrot' }));
  await composer(page).press('Enter');
  await composer(page).press('Enter');
  await sees(message(page, 'look').getByRole('img', { name: ':party_parrot:' }));
  await say(page, 'and another');
  // And picked.
  await page.getByRole('button', { name: 'Emoji', exact: true }).click();
  await page.getByRole('button', { name: 'Of this server' }).click();
  await page.getByRole('button', { name: 'party_parrot' }).click();
  await composer(page).press('Enter');
  await expect.poll(() => log(page).getByRole('img', { name: ':party_parrot:' }).count()).toBe(2);
  await ann.react(room, 2, ':party_parrot:');
  await sees(log(page).locator('.reactions img'));
});
