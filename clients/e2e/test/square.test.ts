// A room with more members than anybody could look at: here more than three.
import { expect, test } from 'vitest';
import { becomes, composer, log, message, sees } from '../town/look';
import { useTown } from '../town/town';

const town = useTown({ 'limits.presence_members': 3, 'limits.list_page': 20 });

test('the members of a large room are read by pages, and only once somebody looks at them', async () => {
  const ann = await town().person('ann');
  const room = await ann.makeRoom('Square');
  const names = Array.from({ length: 29 }, (_none, at) => `guest${at}`);
  const guests = await Promise.all(names.map((name) => town().person(name)));
  for (const guest of guests) await guest.join(room);
  await guests[4]?.say(room, 'hello, all of you');
  const visit = await town().visit(ann, '/login');
  const { page } = visit;
  const asked: string[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => {
      if (String(payload).includes('"member.list"')) asked.push(String(payload));
    });
  });
  await visit.goto(`/c/${room.id}`);
  await sees(message(page, 'hello, all of you'));

  // Who comes is counted.
  const counted = page.getByText('30 members').first();
  await sees(counted);
  await (await town().person('late')).join(room);
  await sees(page.getByText('31 members').first());
  expect(asked).toEqual([]);

  await page.getByRole('button', { name: 'Details' }).click();
  const details = page.getByRole('complementary', { name: 'Details' });
  await sees(details.getByText('guest0', { exact: true }));
  expect(asked).toHaveLength(1);
  const lines = details.getByRole('listitem');
  await becomes(() => lines.count(), 20);
  await details.getByRole('button', { name: 'Show more' }).scrollIntoViewIfNeeded();
  await sees(details.getByText('late', { exact: true }));
  await becomes(() => lines.count(), 31);
  expect(asked).toHaveLength(2);

  // A role that is given there is shown there.
  await details.getByRole('button', { name: 'Actions for guest1', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Make moderator' }).click();
  const promoted = lines.filter({ has: page.getByText('guest1', { exact: true }) });
  await sees(promoted.getByText('Moderator', { exact: true }));

  // Those who have said something can be called by their names.
  await composer(page).pressSequentially('@gues');
  await sees(page.getByRole('option', { name: /guest4/ }));
  await composer(page).press('Enter');
  await becomes(() => composer(page).inputValue(), '@guest4 ');
  await composer(page).press('Enter');
  await becomes(() => log(page).locator('.mention').allInnerTexts(), ['@guest4']);
});
