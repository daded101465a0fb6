import { expect, test } from 'vitest';
import { draft, forgetDrafts, keepDraft } from './drafts';

test('drafts are kept for each person and conversation apart', () => {
  keepDraft(1, 7, 'half a thought');
  keepDraft(1, 8, 'another');
  keepDraft(2, 7, 'somebody else’s');
  expect([draft(1, 7), draft(1, 8), draft(2, 7), draft(2, 8)]).toEqual([
    'half a thought',
    'another',
    'somebody else’s',
    '',
  ]);
  keepDraft(1, 7, '  ');
  expect([draft(1, 7), draft(1, 8)]).toEqual(['', 'another']);
  forgetDrafts(1);
  expect([draft(1, 8), draft(2, 7)]).toEqual(['', 'somebody else’s']);
});
