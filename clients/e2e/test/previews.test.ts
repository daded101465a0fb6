// Previews of links: who decides it turns them on, everybody sees the card, and whoever may takes it off.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { becomes, composer, dialog, log, message, say, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown({ 'previews.enabled': true, 'outgoing.allow': '127.0.0.1' });

/** One pixel, which every browser shows. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const PAGE = `<!doctype html><html><head><meta property="og:title" content="&lt;img src=x onerror=alert(1)&gt; 树木">
  <meta property="og:site_name" content="Trees"><meta name="description" content="They are green.">
  <meta property="og:image" content="/tree.png"></head></html>`;

const site = createServer((request, response) => {
  const isPicture = request.url === '/tree.png';
  response.writeHead(200, { 'content-type': isPicture ? 'image/png' : 'text/html; charset=utf-8' });
  response.end(isPicture ? PIXEL : PAGE);
});
afterAll(() => site.close());

test('a link shows what its page says, beside a picture, until somebody takes it off', async () => {
  await once(site.listen(0, '127.0.0.1'), 'listening');
  const link = `http://127.0.0.1:${(site.address() as AddressInfo).port}/trees`;
  const ann = await town().administrator('ann');
  const bob = await town().person('bob');
  const room = await ann.makeRoom('Garden');
  await bob.join(room);
  const { page } = await town().visit(ann, `/c/${room.id}`);
  const { page: other } = await town().visit(bob, `/c/${room.id}`);
  await sees(composer(other));

  await sees(composer(page));
  await say(page, `before ${link}`);
  await sees(message(other, 'before'));
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('button', { name: 'Name, topic and picture' }).click();
  const wanted = dialog(page).getByRole('checkbox', { name: 'Show previews of links' });
  await sees(wanted);
  await expectAccessible(page, 'the settings of a room with previews');
  await wanted.focus();
  await page.keyboard.press('Space');
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await seesNot(dialog(page));

  await say(page, `look ${link}`);
  for (const side of [page, other]) {
    const card = log(side).getByRole('group', { name: 'Preview of the link' });
    await sees(card.getByRole('link', { name: /<img src=x onerror=alert\(1\)> 树木/ }));
    expect(await card.getByRole('link').getAttribute('href')).toBe(link);
    const picture = card.locator('img');
    await expect.poll(() => picture.evaluate((one) => (one as HTMLImageElement).naturalWidth)).toBe(1);
    await becomes(() => log(side).getByRole('group', { name: 'Preview of the link' }).count(), 1);
  }
  // Nothing jumps: the card has its height before it has its contents.
  const height = await log(other)
    .locator('.preview')
    .evaluate((one) => one.getBoundingClientRect().height);
  expect(height).toBeCloseTo(104, 0);
  await expectAccessible(other, 'a message with a preview');
  await seesNot(message(other, 'look').getByRole('button', { name: 'Remove the preview' }));

  await message(page, 'look').getByRole('button', { name: 'Remove the preview' }).click();
  for (const side of [page, other])
    await seesNot(log(side).getByRole('group', { name: 'Preview of the link' }));
  await sees(message(other, 'look'));
});
