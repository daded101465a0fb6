import { expect, test } from 'vitest';
import { asked, confirm } from './confirm.svelte';

test('the answer to one question is not that to the next, which was asked meanwhile', async () => {
  const first = confirm('Leave the room?', 'Leave');
  const old = asked();
  const second = confirm('Delete the message?', 'Delete');
  expect(await first).toBe(false);
  old?.answer(true);
  expect(asked()?.yes).toBe('Delete');
  asked()?.answer(true);
  expect(await second).toBe(true);
  expect(asked()).toBeNull();
});
