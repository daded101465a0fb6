// Forms that are saved late: an answer closes the form that it belongs to, and none that was opened in its place.
import { expect, test } from 'vitest';
import { HeldCommands } from '../town/holding';
import { becomes, dialog, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

test('a user group and a room that are saved late leave the next form open, with what is written in it', async () => {
  const ada = await town().administrator('ada');
  for (const name of ['bakers', 'weavers'])
    await ada.do('POST', '/v1/user-groups', { name, people: [ada.id] });
  for (const name of ['Attic', 'Cellar']) await ada.makeRoom(name);
  const cases = [
    { path: 'groups', command: 'user_group.rename', first: '@bakers', next: '@weavers', name: 'millers' },
    { path: 'rooms', command: 'conversation.update', first: 'Attic', next: 'Cellar', name: 'Loft' },
  ] as const;
  for (const { path, command, first, next, name } of cases) {
    const saving = new HeldCommands(command);
    const { page } = await town().visit(ada, { path: `/admin/${path}`, arrange: saving.arrange });
    const edit = (of: string) =>
      page
        .getByRole('main')
        .getByRole('listitem')
        .filter({ hasText: of })
        .getByRole('button', { name: /^Edit/ });
    const field = dialog(page).getByRole('textbox').first();
    await edit(first).click();
    await field.fill(name);
    saving.hold();
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await becomes(async () => saving.count, 1);
    await page.keyboard.press('Escape');
    await seesNot(dialog(page));
    await edit(next).click();
    await sees(field);
    await field.fill('half a name');
    saving.letGo();
    await sees(page.getByRole('main').getByText(name));
    expect(await field.inputValue()).toBe('half a name');
    await page.keyboard.press('Escape');
    await seesNot(dialog(page));
  }
});
