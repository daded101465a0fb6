import { expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { composer, log, seesNot, sees } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

test('a voice message is recorded, heard before it is sent, and played one after another by the others', async () => {
  const ann = await town().administrator('ann');
  const bob = await town().person('bob');
  const room = await ann.makeRoom('Garden');
  await bob.join(room);
  const { page } = await town().visit(ann, `/c/${room.id}`);
  const { page: other } = await town().visit(bob, `/c/${room.id}`);
  await sees(composer(page));
  const recorder = page.getByRole('group', { name: 'Voice message', exact: true });
  const record = async (ms: number) => {
    await page.getByRole('button', { name: 'Record a voice message' }).click();
    await sees(recorder.getByRole('button', { name: 'Stop' }));
    await page.waitForTimeout(ms);
  };
  // What is not wanted is gone.
  await record(300);
  await expectAccessible(page, 'a voice message that is recorded');
  await page.keyboard.press('Escape');
  await seesNot(recorder);
  for (const ms of [1_500, 1_200]) {
    await record(ms);
    await recorder.getByRole('button', { name: 'Stop' }).click();
    await recorder.getByRole('button', { name: 'Play' }).click();
    await sees(recorder.getByRole('button', { name: 'Pause' }));
    await recorder.getByRole('button', { name: 'Send the voice message' }).click();
    await seesNot(recorder);
  }
  const players = log(other).getByRole('group', { name: /^Voice message, \d:\d\d$/ });
  await expect.poll(() => players.count()).toBe(2);
  await expectAccessible(other, 'voice messages');
  const [first, second] = [players.first(), players.last()];
  const position = (of: typeof first) => of.getByRole('slider').getAttribute('aria-valuetext');
  await first.getByRole('button', { name: 'Speed: 1×' }).click();
  await sees(first.getByRole('button', { name: 'Speed: 1.5×' }));
  await first.getByRole('button', { name: 'Play' }).click();
  await sees(first.getByRole('button', { name: 'Pause' }));
  // The next one plays by itself, and only one of them at a time.
  await sees(second.getByRole('button', { name: 'Pause' }));
  await sees(first.getByRole('button', { name: 'Play' }));
  await sees(second.getByRole('button', { name: 'Play' }));
  // By keys one goes to and fro.
  await first.getByRole('slider').focus();
  await other.keyboard.press('End');
  expect(await position(first)).toMatch(/^(\d:\d\d) of \1$/);
  await other.keyboard.press('Home');
  expect(await position(first)).toMatch(/^0:00 of /);
});

test('a button that is held records for as long as that, and sends, unless one slides away', async () => {
  const [cleo, dan] = [await town().person('cleo'), await town().person('dan')];
  const room = await cleo.makeRoom('Orchard');
  await dan.join(room);
  const { page } = await town().visit(cleo, `/c/${room.id}`);
  await sees(composer(page));
  const recorder = page.getByRole('group', { name: 'Voice message', exact: true });
  const button = page.getByRole('button', { name: 'Record a voice message' });
  const box = (await button.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const down = async () => {
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down();
    await sees(recorder.getByText('Let go to send'));
  };
  const sent = () =>
    log(page)
      .getByRole('group', { name: /^Voice message, \d:\d\d$/ })
      .count();

  await down();
  await page.waitForTimeout(1_200);
  await expectAccessible(page, 'a voice message whose button is held');
  await page.mouse.up();
  await seesNot(recorder);
  await expect.poll(sent).toBe(1);

  // Away from the button it is discarded, and by Escape.
  await down();
  await page.waitForTimeout(800);
  await page.mouse.move(middle.x, middle.y - 200);
  await sees(recorder.getByText('Let go to discard'));
  await page.mouse.up();
  await seesNot(recorder);
  await down();
  await page.waitForTimeout(800);
  await page.keyboard.press('Escape');
  await seesNot(recorder);
  await page.mouse.up();

  // So short a word is none, but a press is one. The page lets go by itself: from here it might be half a second.
  await button.evaluate(async (one) => {
    const finger = (type: string) =>
      one.dispatchEvent(new PointerEvent(type, { pointerId: 9, button: 0, bubbles: true, cancelable: true }));
    const holding = () => document.body.textContent?.includes('Let go to send');
    finger('pointerdown');
    while (!holding()) await new Promise(requestAnimationFrame);
    finger('pointerup');
  });
  await sees(page.getByText('Hold the button for as long as you speak'));
  await seesNot(recorder);
  await button.click();
  await sees(recorder.getByRole('button', { name: 'Stop' }));
  await recorder.getByRole('button', { name: 'Discard' }).click();
  await seesNot(recorder);

  // By the space bar, which gives the focus back.
  await button.focus();
  await page.keyboard.down('Space');
  await sees(recorder.getByText('Let go to send'));
  await page.waitForTimeout(1_200);
  await page.keyboard.up('Space');
  await seesNot(recorder);
  await expect.poll(sent).toBe(2);
  expect(await button.evaluate((one) => one === document.activeElement)).toBe(true);
  const { page: other } = await town().visit(dan, `/c/${room.id}`);
  await expect
    .poll(() =>
      log(other)
        .getByRole('group', { name: /^Voice message, / })
        .count(),
    )
    .toBe(2);
});

test('a finger that rests on the button records, on a phone and in French', async () => {
  const eve = await town().person('eve');
  const room = await eve.makeRoom('Verger');
  const { page } = await town().visit(eve, {
    path: `/c/${room.id}`,
    locale: 'fr-FR',
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  const button = page.getByRole('button', { name: 'Enregistrer un message vocal' });
  await sees(button);
  const box = (await button.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const session = await page.context().newCDPSession(page);
  const touchPoints = [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }];
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
  await sees(page.getByText('Relâchez pour envoyer'));
  await page.waitForTimeout(1_200);
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await sees(page.getByRole('log').getByRole('group', { name: /^Message vocal, \d:\d\d$/ }));
  await seesNot(page.getByRole('group', { name: 'Message vocal', exact: true }));
});
