import { expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { composer, log, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown({ 'limits.file_bytes': 200_000 });

/** One pixel, which every browser shows. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('files are chosen, seen on their way, sent without a text, and read by the others', async () => {
  const ann = await town().administrator('ann');
  const bob = await town().person('bob');
  const room = await ann.makeRoom('Garden');
  await bob.join(room);
  const { page } = await town().visit(ann, `/c/${room.id}`);
  const { page: other } = await town().visit(bob, `/c/${room.id}`);
  await sees(composer(page));
  await sees(page.getByRole('button', { name: 'Attach files' }));
  await page.locator('input[type=file]').setInputFiles([
    { name: 'lime tree.png', mimeType: 'image/png', buffer: PIXEL },
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('water it') },
    { name: 'huge.bin', mimeType: 'application/zip', buffer: Buffer.alloc(200_001) },
  ]);
  const attached = page.getByRole('list', { name: 'Attached files' });
  await sees(attached.getByText('notes.txt'));
  await sees(page.getByText('huge.bin is too large'));
  await expectAccessible(page, 'a composer with files');
  await sees(attached.getByRole('button', { name: 'Remove lime tree.png' }));
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await seesNot(attached);
  for (const side of [page, other]) {
    const picture = log(side).getByRole('img', { name: 'lime tree.png' });
    await sees(picture);
    await expect.poll(() => picture.evaluate((one) => (one as HTMLImageElement).naturalWidth)).toBe(1);
    await sees(log(side).getByRole('link', { name: /notes\.txt/ }));
  }
  await expectAccessible(other, 'a message with files');
  const saved = other.waitForEvent('download');
  await log(other)
    .getByRole('link', { name: /notes\.txt/ })
    .click();
  expect((await saved).suggestedFilename()).toBe('notes.txt');
});

test('a picture that is pasted or dropped is attached, and one that is not wanted is gone', async () => {
  const cleo = await town().person('cleo');
  const room = await cleo.makeRoom('Orchard');
  const { page } = await town().visit(cleo, `/c/${room.id}`);
  await sees(composer(page));
  const hand = (type: 'paste' | 'drop', name: string) =>
    page.evaluate(
      ([type, name, bytes]) => {
        const data = new DataTransfer();
        data.items.add(
          new File([Uint8Array.from(atob(bytes as string), (c) => c.charCodeAt(0))], name as string),
        );
        const init = { bubbles: true, cancelable: true };
        document
          .querySelector('textarea')
          ?.dispatchEvent(
            type === 'paste'
              ? new ClipboardEvent('paste', { ...init, clipboardData: data })
              : new DragEvent('drop', { ...init, dataTransfer: data }),
          );
      },
      [type, name, PIXEL.toString('base64')],
    );
  await hand('paste', 'pasted.png');
  await hand('drop', 'dropped.png');
  const attached = page.getByRole('list', { name: 'Attached files' });
  await sees(attached.getByText('pasted.png'));
  await attached.getByRole('button', { name: 'Remove dropped.png' }).click();
  await seesNot(attached.getByText('dropped.png'));
  await composer(page).fill('look');
  await composer(page).press('Enter');
  await sees(log(page).getByRole('img', { name: 'pasted.png' }));
  await sees(log(page).getByText('look'));
});
