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
