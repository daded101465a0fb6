import { expect, test } from 'vitest';
import { becomes, composer, message, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

test('a finger reaches what one does with a message', async () => {
  const [ann, bob] = [await town().person('ann'), await town().person('bob')];
  const room = await ann.makeRoom('garden');
  await bob.join(room);
  await ann.say(room, 'Who waters the beans?');
  await ann.say(room, 'And the roses?');
  const { page } = await town().visit(bob, { path: `/c/${room.id}`, ...PHONE });
  const beans = message(page, 'Who waters the beans?');
  const tools = page.getByRole('toolbar');

  await (await sees(beans)).tap();
  await tools.getByRole('button', { name: 'React 👍' }).tap();
  await sees(beans.getByRole('button', { name: /👍/ }).filter({ hasText: '1' }));
  await message(page, 'And the roses?').tap();
  await tools.getByRole('button', { name: 'Reply', exact: true }).tap();
  await sees(page.getByText('Replying to ann'));
  await composer(page).fill('I do');
  await page.getByRole('button', { name: 'Send' }).tap();
  await sees(message(page, 'I do'));
  // It is seen before the server has it.
  await becomes(async () => (await ann.history(room)).at(-1)?.text, 'I do');
  const kept = await ann.history(room);
  expect(kept[0]?.reactions).toEqual([{ emoji: '👍', users: [bob.id] }]);
  expect(kept.at(-1)).toMatchObject({ text: 'I do', parent: kept[1]?.seq });
});

test('a second tap puts the tools away', async () => {
  const cat = await town().person('cat');
  const room = await cat.makeRoom('cellar');
  await cat.say(room, 'Is anybody down here?');
  const { page } = await town().visit(cat, { path: `/c/${room.id}`, ...PHONE });
  const row = message(page, 'Is anybody down here?');
  await (await sees(row)).tap({ position: { x: 200, y: 30 } });
  await sees(page.getByRole('toolbar'));
  await row.tap({ position: { x: 200, y: 30 } });
  await seesNot(page.getByRole('toolbar'));
});
