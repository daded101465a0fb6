import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { composer, log, sees, seesNot } from '../town/look';
import { freePort } from '../town/server';
import { useTown } from '../town/town';

const near = await freePort();
const town = useTown({ 'server.allowed_origins': `http://127.0.0.1:${near}` });

/** Lines that browsers write to their console while a server is not there, and when an upload is asked for anew. */
const AWAY = [/WebSocket connection to .* failed/, /Failed to load resource: (net::ERR|.*status of (4|503))/];

/** A phone's network: so many bytes a second. */
async function slow(page: Page, bytes: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const conditions = { offline: false, latency: 20, downloadThroughput: -1, uploadThroughput: bytes };
  await session.send('Network.emulateNetworkConditions', conditions);
}

const attached = (page: Page) => page.getByRole('list', { name: 'Attached files' });
const progress = (page: Page) =>
  attached(page)
    .getByRole('progressbar')
    .evaluate((bar) => (bar as HTMLProgressElement).value);

/** Waits until so many bytes have left. */
async function hasSent(page: Page, bytes: number): Promise<void> {
  await expect.poll(() => progress(page), { timeout: 25_000, interval: 50 }).toBeGreaterThan(bytes);
}

test('a large file comes through a network that breaks twice', async () => {
  const cable = await town().cable(near);
  const ann = await town().person('ann');
  const bob = await town().person('bob');
  const room = await ann.makeRoom('Garden');
  await bob.join(room);
  const visit = await town().visit(ann, { path: `/c/${room.id}`, through: cable.url });
  visit.expects(...AWAY);
  const { page } = visit;
  await sees(composer(page));
  const bytes = Buffer.alloc(6_000_000, 'water the lime tree. ');
  await slow(page, 2_000_000);
  await page.locator('input[type=file]').first().setInputFiles({
    name: 'garden.txt',
    mimeType: 'text/plain',
    buffer: bytes,
  });
  for (const place of [1_000_000, 3_000_000]) {
    await hasSent(page, place);
    cable.cut();
    await sleep(300);
    cable.mend();
  }
  await sees(attached(page).getByRole('button', { name: 'Remove garden.txt' }));
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await seesNot(attached(page));
  const { page: other } = await town().visit(bob, `/c/${room.id}`);
  const saved = other.waitForEvent('download');
  await log(other)
    .getByRole('link', { name: /garden\.txt/ })
    .click();
  const chunks: Buffer[] = [];
  for await (const chunk of await (await saved).createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
});

test('files are there again after a reload, and what has come of them is not sent again', async () => {
  const cleo = await town().person('cleo');
  const room = await cleo.makeRoom('Orchard');
  const visit = await town().visit(cleo, `/c/${room.id}`);
  visit.expects(...AWAY);
  const { page } = visit;
  await sees(composer(page));
  await slow(page, 1_000_000);
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles([
      { name: 'large.txt', mimeType: 'text/plain', buffer: Buffer.alloc(5_000_000, 'apples and pears ') },
      { name: 'small.txt', mimeType: 'text/plain', buffer: Buffer.from('an apple') },
    ]);
  await sees(attached(page).getByRole('button', { name: 'Remove small.txt' }));
  await hasSent(page, 1_500_000);
  await page.reload();
  await sees(attached(page).getByText('small.txt'));
  // It goes on from where it was.
  await hasSent(page, 1_000_000);
  await sees(attached(page).getByRole('button', { name: 'Remove large.txt' }));
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await seesNot(attached(page));
  await sees(log(page).getByRole('link', { name: /large\.txt/ }));
  await sees(log(page).getByRole('link', { name: /small\.txt/ }));
  await page.reload();
  await sees(log(page).getByRole('link', { name: /small\.txt/ }));
  await seesNot(attached(page));
});
