import { expect, test } from 'vitest';
import { expectFocusSeen, focused, getsFocus, tabTo } from '../town/keyboard';
import { becomes, composer, dialog, log, message, say, sees, seesNot } from '../town/look';
import { PASSWORD } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();

test('from the first page to the first message with the keyboard alone', async () => {
  await town().administrator('root');
  const { page } = await town().visit(null);
  const { keyboard } = page;

  await getsFocus(page.getByLabel('Username or email address'));
  await tabTo(page, page.getByRole('link', { name: 'Create an account' }));
  await keyboard.press('Enter');

  await getsFocus(page.getByLabel('Username'));
  await expectFocusSeen(page);
  await keyboard.type('kay');
  await tabTo(page, page.getByLabel('Password', { exact: true }));
  await keyboard.type(PASSWORD);
  await keyboard.press('Enter');
  await sees(page.getByRole('heading', { name: 'Welcome, kay' }));

  await tabTo(page, page.getByRole('button', { name: 'New conversation' }));
  await keyboard.press('Enter');
  await sees(dialog(page));
  await tabTo(page, dialog(page).getByRole('radio', { name: /^Direct message/ }), 'Shift+Tab');
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowDown');
  await tabTo(page, dialog(page).getByRole('textbox', { name: 'Name' }));
  await keyboard.type('Quay');
  await keyboard.press('Enter');

  await getsFocus(composer(page));
  await expectFocusSeen(page);
  await keyboard.type('Not a single click');
  await keyboard.press('Enter');
  await sees(message(page, 'Not a single click'));
  await seesNot(page.getByText('Sending…'));
  await getsFocus(composer(page));
});

test('what closes gives the focus back to where it was', async () => {
  const kim = await town().person('kim');
  const room = await kim.makeRoom('Pier');
  await kim.say(room, 'First');
  const { page } = await town().visit(kim, `/c/${room.id}`);
  const { keyboard } = page;
  await getsFocus(composer(page));

  for (const open of ['Control+k', 'Alt+n']) {
    await keyboard.press(open);
    await sees(dialog(page));
    await expectFocusSeen(page);
    await keyboard.press('Escape');
    await seesNot(dialog(page));
    await getsFocus(composer(page));
  }

  const menu = page.getByRole('button', { name: 'Your account' });
  await tabTo(page, menu);
  await keyboard.press('Enter');
  await getsFocus(page.getByRole('menuitem').first());
  await keyboard.press('ArrowDown');
  await getsFocus(page.getByRole('menuitem').nth(1));
  await keyboard.press('Escape');
  await getsFocus(menu);

  const emoji = page.getByRole('button', { name: 'Emoji' });
  await tabTo(page, emoji);
  await keyboard.press('Enter');
  await getsFocus(page.getByRole('searchbox', { name: 'Search emoji' }));
  await keyboard.press('Escape');
  await seesNot(page.getByRole('searchbox', { name: 'Search emoji' }));
  await getsFocus(emoji);
  await keyboard.press('Enter');
  await getsFocus(page.getByRole('searchbox', { name: 'Search emoji' }));
  await keyboard.type('tangerine');
  await sees(page.getByRole('button', { name: 'tangerine' }));
  await keyboard.press('Enter');
  await becomes(() => composer(page).inputValue(), '🍊');
  await getsFocus(composer(page));
});

test('a message is answered, changed, reacted to and deleted by keys', async () => {
  const kit = await town().person('kit');
  const lou = await town().person('lou');
  const room = await kit.makeRoom('Jetty');
  await lou.join(room);
  await lou.say(room, 'Who has the boat?');
  const { page } = await town().visit(kit, `/c/${room.id}`);
  const { keyboard } = page;
  await sees(message(page, 'Who has the boat?'));
  await getsFocus(composer(page));

  await tabTo(page, log(page), 'Shift+Tab');
  await keyboard.press('ArrowUp');
  await getsFocus(message(page, 'Who has the boat?'));
  await expectFocusSeen(page);
  await keyboard.press('r');
  await getsFocus(composer(page));
  await keyboard.type('I have.');
  await keyboard.press('Enter');
  const mine = message(page, 'I have.');
  await sees(mine.getByRole('button', { name: /In reply to lou/ }));
  await seesNot(page.getByText('Sending…'));

  await getsFocus(composer(page));
  await keyboard.press('ArrowUp');
  await becomes(() => composer(page).inputValue(), 'I have.');
  await keyboard.press('End');
  await keyboard.type(' And the oars.');
  await keyboard.press('Enter');
  await sees(message(page, 'And the oars.'));

  await tabTo(page, log(page), 'Shift+Tab');
  await keyboard.press('ArrowUp');
  await keyboard.press('ArrowUp');
  await getsFocus(message(page, 'Who has the boat?'));
  await keyboard.press('+');
  await getsFocus(page.getByRole('searchbox', { name: 'Search emoji' }));
  await keyboard.type('sailboat');
  await sees(page.getByRole('button', { name: 'sailboat' }));
  await keyboard.press('Enter');
  await sees(page.getByRole('button', { name: /you reacted with ⛵/ }));
  expect(await focused(page)).not.toBe('body');

  await tabTo(page, log(page), 'Shift+Tab');
  await keyboard.press('ArrowUp');
  await keyboard.press('Delete');
  await sees(dialog(page).getByText('Delete this message for everybody?'));
  await tabTo(page, dialog(page).getByRole('button', { name: 'Delete' }));
  await keyboard.press('Enter');
  await sees(page.getByText('This message was deleted.'));
  await seesNot(dialog(page));
  expect(await focused(page)).not.toBe('body');
});

test('keys lead from one conversation to the next', async () => {
  const mo = await town().person('moe');
  const [north, south] = [await mo.makeRoom('North'), await mo.makeRoom('South')];
  await mo.say(north, 'n');
  await mo.say(south, 's');
  const { page } = await town().visit(mo, `/c/${south.id}`);
  await sees(page.getByRole('heading', { level: 1, name: 'South' }));
  await page.keyboard.press('Alt+ArrowDown');
  await sees(page.getByRole('heading', { level: 1, name: 'North' }));
  await getsFocus(composer(page));
  await page.keyboard.press('Alt+ArrowUp');
  await sees(page.getByRole('heading', { level: 1, name: 'South' }));
  await page.keyboard.press('Control+k');
  await getsFocus(dialog(page).getByRole('combobox'));
  await page.keyboard.type('nor');
  await sees(dialog(page).getByRole('option', { name: /North/ }));
  await page.keyboard.press('Enter');
  await sees(page.getByRole('heading', { level: 1, name: 'North' }));
  await getsFocus(composer(page));
  await say(page, 'here');
});
