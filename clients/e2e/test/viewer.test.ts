// Pictures of messages: small in the timeline, and large in the viewer.
import type { Conversation } from '@palabre/sdk';
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { becomes, composer, log, sees, seesNot } from '../town/look';
import type { Person } from '../town/person';
import { png } from '../town/pictures';
import { useTown } from '../town/town';

const town = useTown();

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

const natural = (picture: Locator) => picture.evaluate((one) => (one as HTMLImageElement).naturalWidth);

/** A room in which two pictures were sent as one message. */
async function meadow(owner: Person, first = 'first.png'): Promise<{ room: Conversation; path: string }> {
  const room = await owner.makeRoom(`Meadow of ${owner.username}`);
  const visit = await town().visit(owner, `/c/${room.id}`);
  const { page } = visit;
  await sees(composer(page));
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles([
      { name: first, mimeType: 'image/png', buffer: png(1_200, 800, 40) },
      { name: 'second.png', mimeType: 'image/png', buffer: png(1_200, 800, 200) },
    ]);
  const attached = page.getByRole('list', { name: 'Attached files' });
  for (const name of [first, 'second.png'])
    await sees(attached.getByRole('button', { name: `Remove ${name}` }));
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await sees(log(page).getByRole('img', { name: 'second.png' }));
  await visit.close();
  return { room, path: `/c/${room.id}` };
}

/**
 * A finger that goes from one place to another and rests there before it leaves: after one that leaves in motion Chromium
 * takes the next tap for the one that stops the motion.
 */
async function swipe(page: Page, from: number, to: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const at = (x: number) => ({ touchPoints: [{ x, y: 400 }] });
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', ...at(from) });
  for (const share of [0.25, 0.5, 0.75, 1])
    await session.send('Input.dispatchTouchEvent', { type: 'touchMove', ...at(from + (to - from) * share) });
  await page.waitForTimeout(300);
  await session.send('Input.dispatchTouchEvent', { type: 'touchMove', ...at(to + 1) });
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await session.detach();
}

test('a picture is small in the timeline and large in the viewer, by keys alone', async () => {
  const dan = await town().person('dan');
  const { page } = await town().visit(dan, (await meadow(dan)).path);
  const first = log(page).getByRole('img', { name: 'first.png' });
  await sees(first);
  await becomes(() => natural(first), 640);
  const box = await first.boundingBox();
  expect([box?.width, box?.height].map((side) => Math.round(side ?? 0))).toEqual([400, 267]);

  const link = log(page).getByRole('link', { name: 'first.png' });
  await link.focus();
  await page.keyboard.press('Enter');
  const viewer = page.getByRole('dialog');
  const large = viewer.getByRole('img', { name: 'first.png' });
  await sees(large);
  await sees(viewer.getByText('first.png', { exact: true }));
  await sees(viewer.getByText('Picture 1 of 2'));
  // All of it is on the screen, once it has come there.
  const bottom = async () => {
    const shown = await large.boundingBox();
    return (shown?.y ?? 0) + (shown?.height ?? 0);
  };
  await expect.poll(bottom).toBeLessThanOrEqual(800);
  await expectAccessible(page, 'a picture in the viewer');

  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowRight');
  await sees(viewer.getByText('Picture 2 of 2'));
  const second = viewer.getByRole('img', { name: 'second.png' });
  await sees(second);
  await page.keyboard.press('+');
  await becomes(() => second.evaluate((one) => one.style.transform), 'translate(0px, 0px) scale(1.5)');
  await becomes(() => natural(second), 1_200);
  await page.keyboard.press('-');
  await becomes(() => second.evaluate((one) => one.style.transform), 'translate(0px, 0px) scale(1)');
  await page.keyboard.press('ArrowLeft');
  await sees(viewer.getByText('Picture 1 of 2'));
  // The button that has led to the last picture is gone then, and the keys are heard all the same.
  await viewer.getByRole('button', { name: 'Next picture' }).focus();
  await page.keyboard.press('Enter');
  await sees(viewer.getByText('Picture 2 of 2'));
  await page.keyboard.press('ArrowLeft');
  await sees(viewer.getByText('Picture 1 of 2'));
  await page.keyboard.press('Escape');
  await seesNot(viewer);
  expect(await link.evaluate((one) => one === document.activeElement)).toBe(true);
});

test('a finger goes on to the next picture, and a mouse makes it larger where it points', async () => {
  const eve = await town().person('eve');
  const name = 'how the meadow looks from the gate in the morning.png';
  const { path } = await meadow(eve, name);
  const { page: phone } = await town().visit(eve, { path, ...PHONE, locale: 'fr-FR' });
  const messages = phone.getByRole('log');
  await (await sees(messages.getByRole('link', { name }))).tap();
  const viewer = phone.getByRole('dialog');
  await sees(viewer.getByText('Image 1 sur 2'));
  await sees(viewer.getByRole('button', { name: 'Image suivante' }));
  const close = await viewer.getByRole('button', { name: 'Fermer' }).boundingBox();
  expect((close?.x ?? 1_000) + (close?.width ?? 0), 'a long name leaves room').toBeLessThanOrEqual(390);
  await swipe(phone, 300, 60);
  await sees(viewer.getByText('Image 2 sur 2'));
  await swipe(phone, 60, 300);
  await sees(viewer.getByText('Image 1 sur 2'));
  await viewer.getByRole('button', { name: 'Fermer' }).tap();
  await seesNot(viewer);

  const { page } = await town().visit(eve, path);
  await (await sees(log(page).getByRole('link', { name }))).click();
  const picture = page.getByRole('dialog').getByRole('img', { name });
  await sees(picture);
  await page.mouse.dblclick(400, 300);
  await becomes(() => picture.evaluate((one) => one.style.transform.includes('scale(2.5)')), true);
  await page.mouse.wheel(0, -100);
  await becomes(() => picture.evaluate((one) => one.style.transform.includes('scale(3)')), true);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await seesNot(page.getByRole('dialog'));
});

test('a picture whose message is deleted is closed', async () => {
  const fay = await town().person('fay');
  const { room, path } = await meadow(fay);
  const { page } = await town().visit(fay, path);
  await (await sees(log(page).getByRole('link', { name: 'first.png' }))).click();
  await sees(page.getByRole('dialog').getByRole('img', { name: 'first.png' }));
  const [message] = await fay.history(room);
  await fay.delete(room, message?.seq ?? 0);
  await seesNot(page.getByRole('dialog'));
  await seesNot(log(page).getByRole('img', { name: 'first.png' }));
});
