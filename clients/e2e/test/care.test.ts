import { expect, test } from 'vitest';
import { becomes, log, message, say, sees, texts } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

test('who says something while looking at what is old is taken to the latest', async () => {
  const [dan, eve] = [await town().person('dan'), await town().person('eve')];
  const room = await dan.makeRoom('archive');
  await eve.join(room);
  await dan.sayAll(
    room,
    Array.from({ length: 160 }, (_none, at) => `line ${at}`),
  );
  const { page } = await town().visit(eve, { path: `/c/${room.id}` });
  await sees(page.getByRole('button', { name: /new messages/ }));
  await say(page, 'I am late');
  await sees(message(page, 'I am late'));
  await becomes(async () => (await texts(page)).at(-1), 'I am late');
  const { messages } = await eve.do<{ messages: { text: string }[] }>(
    'GET',
    `/v1/conversations/${room.id}/messages?limit=2`,
  );
  expect(messages.at(-1)?.text).toBe('I am late');
  await sees(log(page));
});

test('nobody is logged out of a message that waits without being asked', async () => {
  const fay = await town().person('fay');
  const room = await fay.makeRoom('attic');
  const visit = await town().visit(fay, { path: `/c/${room.id}` });
  visit.expects(/WebSocket connection to .* failed/, /Failed to load resource/, /net::ERR/);
  const { page } = visit;
  await say(page, 'kept');
  await becomes(async () => (await fay.history(room)).length, 1);
  await town().server.kill();
  await say(page, 'not yet');
  await sees(message(page, 'not yet').getByText('Waiting for the connection…'));
  await page.getByRole('button', { name: 'Your account' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  // The question itself may not be had without a line; then nothing is done.
  await sees(page.getByRole('dialog').or(page.getByText('This part could not be loaded.', { exact: false })));
  await page.keyboard.press('Escape');
  await sees(message(page, 'not yet'));
  await town().server.start();
  await becomes(async () => (await fay.history(room)).map((one) => one.text), ['kept', 'not yet'], 20_000);
});
