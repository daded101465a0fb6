// Texts say what they mean: written with buttons and keys, previewed, read, copied and pasted.
import type { Conversation } from '@palabre/sdk';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessibleEverywhere } from '../town/axe';
import { becomes, composer, conversations, log, message, sees, seesNot } from '../town/look';
import type { Person } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();

async function roomOf(name: string, room: string): Promise<[Person, Conversation]> {
  const person = await town().person(name);
  return [person, await person.makeRoom(room)];
}

const written = (page: Page) => composer(page).inputValue();
/** The style of a kind of element in the log. */
const shown = (page: Page, selector: string) => log(page).locator(selector).allInnerTexts();

test('a text is shown as what it means, and its markers are nowhere else either', async () => {
  const [ann, room] = await roomOf('ann', 'Workshop');
  const bob = await town().person('bob');
  await bob.join(room);
  await ann.say(
    room,
    [
      '# Plan',
      '**bold** and *italic*, ~~gone~~, `x = 1` and snake_case or 2*3*4',
      '> quoted **text**',
      '- one',
      '- two',
      '  3. three',
      '[the page](https://example.org/a) and [bank.example](https://evil.example/x)',
      ':tada: #workshop @bob',
      '```rust',
      'fn main() { println!("<b>hi</b>"); }',
      '```',
    ].join('\n'),
  );
  const visit = await town().visit(bob, `/c/${room.id}`);
  const { page } = visit;
  await visit.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await sees(log(page).getByRole('heading', { name: 'Plan' }));
  expect(await shown(page, '.text > strong')).toEqual(['bold']);
  expect([await shown(page, '.text > em'), await shown(page, '.text > s')]).toEqual([['italic'], ['gone']]);
  expect(await shown(page, 'blockquote')).toEqual(['quoted text']);
  expect(await shown(page, '.text > ul > li > ol > li')).toEqual(['three']);
  expect(await log(page).locator('ol > li').getAttribute('value')).toBe('3');
  await sees(log(page).getByText('snake_case or 2*3*4'));
  const link = log(page).getByRole('link', { name: /the page/ });
  expect([await link.getAttribute('href'), await link.getAttribute('title')]).toEqual([
    'https://example.org/a',
    'https://example.org/a',
  ]);
  // A text that might be taken for another address has the true one behind it.
  await sees(log(page).getByText('(evil.example)'));
  await sees(log(page).getByRole('img', { name: ':tada:' }));
  await sees(log(page).getByRole('link', { name: 'Workshop' }));
  await sees(log(page).getByRole('button', { name: '@bob' }));
  // The colours come later; they are never HTML.
  await sees(log(page).locator('pre .keyword').first());
  expect(await shown(page, 'pre')).toEqual(['fn main() { println!("<b>hi</b>"); }']);

  const preview = await conversations(page)
    .getByRole('link', { name: /Workshop/ })
    .innerText();
  expect(preview).toContain('bold and italic, gone, x = 1');
  expect(preview).not.toMatch(/\*\*|~~|`|# Plan/);

  await message(page, 'quoted').hover();
  await message(page, 'quoted').getByRole('button', { name: 'Copy the code' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    'fn main() { println!("<b>hi</b>"); }',
  );
  await expectAccessibleEverywhere(page, 'a text with everything');
});

test('a room and a message are links with a name for those who are in it, and plain for others', async () => {
  const [cleo, room] = await roomOf('cleo', 'Project X');
  const hidden = await cleo.makeRoom('Surprise', { visibility: 'private' });
  const gil = await town().person('gil');
  await gil.join(room);
  const visit = await town().visit(gil, `/c/${room.id}`);
  const { page } = visit;
  await cleo.say(
    room,
    `#project-x #surprise #nowhere ${visit.home}/c/${room.id}/1 ${visit.home}/c/${hidden.id}`,
  );
  await sees(message(page, '#surprise').getByRole('link', { name: 'Project X', exact: true }));
  await sees(message(page, '#surprise').getByRole('link', { name: /Project X.*a message/ }));
  await sees(message(page, '#surprise #nowhere').getByRole('link', { name: `/c/${hidden.id}` }));
  expect(await page.getByText('Surprise', { exact: true }).count()).toBe(0);
  await message(page, '#surprise')
    .getByRole('link', { name: /Project X.*a message/ })
    .click();
  await becomes(() => Promise.resolve(new URL(page.url()).pathname), `/c/${room.id}/1`);
});

test('one writes it with keys, and with buttons that one finds, sees it before it is sent, and can undo it', async () => {
  const [dora, room] = await roomOf('dora', 'Desk');
  const { page } = await town().visit(dora, `/c/${room.id}`);
  const box = composer(page);
  await box.fill('hello');
  await box.press('Control+a');
  await box.press('Control+b');
  await becomes(() => written(page), '**hello**');
  await box.press('Control+i');
  await becomes(() => written(page), '***hello***');
  await box.press('Control+z');
  await becomes(() => written(page), '**hello**');
  await box.fill('x');
  await box.press('Control+a');
  await box.press('Control+e');
  await becomes(() => written(page), '`x`');

  // A list goes on, and ends behind an item with nothing in it.
  await box.fill('');
  await box.pressSequentially('1. one');
  await box.press('Shift+Enter');
  await box.pressSequentially('two');
  await becomes(() => written(page), '1. one\n2. two');
  await box.press('Shift+Enter');
  await box.press('Shift+Enter');
  await becomes(() => written(page), '1. one\n2. two\n');

  // Within a block of code Enter is a new line; behind it the message is sent.
  await box.fill('');
  await box.pressSequentially('```');
  await box.press('Enter');
  await box.pressSequentially('a *b*');
  await box.press('Enter');
  await box.pressSequentially('```');
  await becomes(() => written(page), '```\na *b*\n```');
  await box.press('Enter');
  await sees(log(page).locator('pre', { hasText: 'a *b*' }));

  await page.getByRole('button', { name: 'Formatting' }).click();
  const bar = page.getByRole('toolbar', { name: 'Formatting' });
  await box.fill('apples');
  await bar.getByRole('button', { name: 'Bulleted list' }).click();
  await becomes(() => written(page), '- apples');
  await bar.getByRole('button', { name: 'Preview' }).click();
  await sees(page.getByRole('region', { name: 'Preview of your message' }).getByRole('listitem'));
  await expectAccessibleEverywhere(page, 'the formatting bar with a preview');
  await box.press('Enter');
  await sees(log(page).getByRole('listitem').getByText('apples'));
  await seesNot(page.getByRole('region', { name: 'Preview of your message' }));
});

test('emoji and rooms are completed while one types', async () => {
  const [eve, room] = await roomOf('eve', 'Long Room');
  const { page } = await town().visit(eve, `/c/${room.id}`);
  const box = composer(page);
  await box.pressSequentially('well done :tad');
  await sees(page.getByRole('listbox', { name: 'Emoji' }).getByRole('option', { name: 'tada' }));
  await box.press('Enter');
  await becomes(() => written(page), 'well done 🎉');
  await box.fill('');
  await box.pressSequentially('see #lon');
  await page.getByRole('listbox', { name: 'Rooms' }).getByRole('option', { name: 'Long Room' }).click();
  await becomes(() => written(page), 'see #Long-Room ');
  await box.press('Enter');
  await sees(message(page, 'see').getByRole('link', { name: 'Long Room' }));
  await box.pressSequentially('at 10:30 :nosuchthing');
  expect(await page.getByRole('listbox').count()).toBe(0);
});

const PAGE = `<meta charset="utf-8"><style>p { color: red }</style><script>window.bad = 1</script>
<h2>Title</h2><p>Some <b>bold</b>, <i style="color: blue">italic</i> and <a href="https://example.org/a">a link</a>,
<a href="javascript:alert(1)">not this</a> <img src="x" onerror="window.bad = 1"></p>
<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul><pre><code class="language-js">let a = 1;
</code></pre><blockquote><p>said</p></blockquote>`;

test('what was copied from a page keeps its formatting, an address over a text makes a link, and nothing is run', async () => {
  const [fay, room] = await roomOf('fay', 'Clipboard');
  const { page } = await town().visit(fay, `/c/${room.id}`);
  const box = composer(page);
  const paste = (types: Record<string, string>) =>
    box.evaluate((field, given) => {
      const data = new DataTransfer();
      for (const [type, text] of Object.entries(given)) data.setData(type, text);
      field.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    }, types);
  await box.focus();
  await paste({ 'text/html': PAGE, 'text/plain': 'Title' });
  await becomes(
    () => written(page),
    [
      '## Title',
      '',
      'Some **bold**, *italic* and [a link](https://example.org/a), not this',
      '',
      '- one',
      '  - inner',
      '- two',
      '',
      '```js',
      'let a = 1;',
      '```',
      '',
      '> said',
    ].join('\n'),
  );
  expect(await page.evaluate(() => 'bad' in window)).toBe(false);

  await box.fill('see the page');
  await box.evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(4, 12));
  await paste({ 'text/plain': 'https://example.org/b' });
  await becomes(() => written(page), 'see [the page](https://example.org/b)');
  await seesNot(page.getByRole('alert'));
});
