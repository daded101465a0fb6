import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { HeldCommands } from '../town/holding';
import { composer, conversations, log, message, say, seesNot, sees } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

/** Keeps what the page has of the microphone. */
function keepStreams(): void {
  const streams: MediaStream[] = [];
  Object.assign(window, { streams });
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    streams.push(stream);
    return stream;
  };
}
/** Of each time that the page had the microphone, whether it has it still. */
const microphones = (page: Page) =>
  page.evaluate(() => (window as unknown as { streams: MediaStream[] }).streams.map(({ active }) => active));
/** Presses the button that records. The page does it itself: from here a press may last so long that it holds. */
const press = (page: Page) =>
  page
    .getByRole('button', { name: 'Record a voice message' })
    .evaluate((one: HTMLElement) => (one.focus(), one.click()));
/** At once, or in parts. */
const whereFilesGo = (url: URL) => /^\/v1\/files(\/uploads)?$/.test(url.pathname);
const voices = (page: Page) => log(page).getByRole('group', { name: /^Voice message, / });

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
    await press(page);
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
  await press(page);
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

test('two presses in one breath begin one recording, and no microphone stays on', async () => {
  const [fay, gil] = [await town().person('fay'), await town().person('gil')];
  const room = await fay.makeRoom('Terrace');
  await gil.join(room);
  const { page } = await town().visit(fay, { path: `/c/${room.id}`, before: keepStreams });
  const recorder = page.getByRole('group', { name: 'Voice message', exact: true });
  const button = page.getByRole('button', { name: 'Record a voice message' });
  await sees(button);
  // The page presses by itself: from here the second one might come whenever it likes.
  const pressTwice = () =>
    button.evaluate((one: HTMLElement) => {
      for (const pointerId of [7, 8]) {
        const how = { pointerId, button: 0, bubbles: true, cancelable: true };
        for (const type of ['pointerdown', 'pointerup']) one.dispatchEvent(new PointerEvent(type, how));
        one.click();
      }
    });
  // First the code for it has not come yet, then it has.
  for (const all of [[false], [false, false]]) {
    await pressTwice();
    await sees(recorder.getByRole('button', { name: 'Stop' }));
    await expect.poll(() => recorder.locator('time').innerText()).not.toBe('0:00');
    expect((await microphones(page)).filter(Boolean)).toHaveLength(1);
    await recorder.getByRole('button', { name: 'Discard' }).click();
    await seesNot(recorder);
    expect(await microphones(page)).toEqual(all);
  }
  await pressTwice();
  await sees(recorder.getByRole('button', { name: 'Stop' }));
  await expect.poll(() => recorder.locator('time').innerText()).not.toBe('0:00');
  await recorder.getByRole('button', { name: 'Stop' }).click();
  await recorder.getByRole('button', { name: 'Send the voice message' }).click();
  await seesNot(recorder);
  await sees(voices(page));
  // The message after it has come, and none came twice.
  const { page: other } = await town().visit(gil, `/c/${room.id}`);
  await say(page, 'that was all');
  await sees(message(other, 'that was all'));
  expect(await voices(other).count()).toBe(1);
  expect(await microphones(page)).toEqual([false, false, false]);
});

test('a voice message that is discarded while it is sent is heard by nobody, and the next one is', async () => {
  const [hal, ida] = [await town().person('hal'), await town().person('ida')];
  const room = await hal.makeRoom('Cellar');
  await ida.join(room);
  const marking = new HeldCommands('file.voice');
  const { page, context } = await town().visit(hal, { path: `/c/${room.id}`, arrange: marking.arrange });
  const { page: other } = await town().visit(ida, `/c/${room.id}`);
  const recorder = page.getByRole('group', { name: 'Voice message', exact: true });
  await sees(composer(page));
  const recordAndSend = async () => {
    await press(page);
    await sees(recorder.getByRole('button', { name: 'Stop' }));
    await expect.poll(() => recorder.locator('time').innerText()).not.toBe('0:00');
    await recorder.getByRole('button', { name: 'Stop' }).click();
    await recorder.getByRole('button', { name: 'Send the voice message' }).click();
  };
  const discard = async (what: string) => {
    await sees(recorder.getByText('Sending…'));
    await expectAccessible(page, what);
    await recorder.getByRole('button', { name: 'Discard' }).click();
    await seesNot(recorder);
  };

  // While it is uploaded.
  let uploading = 0;
  let goesOn = () => {};
  const waits = new Promise<void>((resolve) => (goesOn = resolve));
  await context.route(whereFilesGo, async (route) => {
    uploading += 1;
    await waits;
    // The page may have given it up.
    await route.continue().catch(() => {});
  });
  await recordAndSend();
  await expect.poll(() => uploading).toBe(1);
  await discard('a voice message that is uploaded');
  await context.unroute(whereFilesGo);
  goesOn();

  // Once the server has its bytes, and is to learn that it is one.
  marking.hold();
  await recordAndSend();
  await expect.poll(() => marking.count).toBe(1);
  await discard('a voice message that has been uploaded');
  marking.letGo();

  await recordAndSend();
  await sees(voices(other));
  await say(page, 'that was all');
  await sees(message(other, 'that was all'));
  expect(await voices(other).count()).toBe(1);
  expect(await voices(page).count()).toBe(1);
});

test('a voice message is called so wherever it stands in one line, and not by the name of its file', async () => {
  const jon = await town().person('jon', { display_name: 'Jon' });
  const kim = await town().person('kim', { display_name: 'Kim' });
  const room = await jon.makeRoom('Library');
  await kim.join(room);
  const { page } = await town().visit(jon, { path: `/c/${room.id}` });
  await sees(composer(page));
  await press(page);
  const recorder = page.getByRole('group', { name: 'Voice message', exact: true });
  await expect.poll(() => recorder.locator('time').innerText()).not.toBe('0:00');
  await recorder.getByRole('button', { name: 'Stop' }).click();
  await recorder.getByRole('button', { name: 'Send the voice message' }).click();
  await sees(voices(page));
  const { page: other } = await town().visit(kim, { path: '/', locale: 'fr-FR' });
  await sees(conversations(other).getByText(/Message vocal, \d:\d\d/));
  const said = (await jon.history(room)).at(-1);
  if (!said) throw new Error('Nothing was said.');
  const messages = `/v1/conversations/${room.id}/messages`;
  await jon.do('PUT', `${messages}/${said.seq}/saved`);
  await jon.do('POST', '/v1/reminders', {
    conversation: room.id,
    seq: said.seq,
    at: new Date(Date.now() + 3_600_000).toISOString(),
  });
  await kim.react(room, said.seq, '👍');
  await kim.say(room, 'heard', said.seq);
  await kim.do('POST', messages, { text: 'in full', thread: said.seq });

  const line = /Voice message, \d:\d\d/;
  await sees(message(page, 'heard').getByRole('button', { name: line }));
  for (const place of ['activity', 'saved', 'threads', 'settings/reminders']) {
    await page.goto(`${town().server.url}/${place}`);
    await sees(page.getByRole('main').getByText(line));
    expect(await page.getByText('voice.webm').count(), place).toBe(0);
  }
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('has:file');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  const found = page.getByRole('dialog').getByRole('button', { name: line });
  await expect
    .poll(async () => (await page.getByRole('combobox').press('Enter'), await found.count()))
    .toBe(1);
  await expectAccessible(page, 'a voice message that is found');
});
