import { expect, test } from 'vitest';
import { draft, forgetDrafts, keepDraft, openDrafts } from './drafts.svelte';

test('drafts are kept for each person and conversation apart', () => {
  openDrafts(1);
  keepDraft(7, 'half a thought');
  keepDraft(8, 'another');
  openDrafts(2);
  expect(draft(7)).toBe('');
  keepDraft(7, 'somebody else’s');
  openDrafts(1);
  expect([draft(7), draft(8)]).toEqual(['half a thought', 'another']);
  keepDraft(7, '  ');
  expect([draft(7), draft(8)]).toEqual(['', 'another']);
  forgetDrafts();
  expect(draft(8)).toBe('');
  openDrafts(1);
  expect(draft(8)).toBe('');
  openDrafts(2);
  expect(draft(7)).toBe('somebody else’s');
});
