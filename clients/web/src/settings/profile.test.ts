import { expect, it } from 'vitest';
import { changedFields, draftOf, FIELDS } from './profile';

const nothing = Object.fromEntries(FIELDS.map((name) => [name, null])) as Parameters<typeof draftOf>[0];
const before = draftOf({ ...nothing, display_name: 'Ann', city: 'Bern' });

it('shows as empty what is not said', () => {
  expect(before.city).toBe('Bern');
  expect(before.profession).toBe('');
});

it('says only what was changed', () => {
  expect(changedFields(before, before)).toEqual({});
  expect(changedFields(before, { ...before, city: 'Basel' })).toEqual({ city: 'Basel' });
});

it('clears with null', () =>
  expect(changedFields(before, { ...before, display_name: '' })).toEqual({ display_name: null }));

it('does not count spaces at the ends', () => {
  expect(changedFields(before, { ...before, city: ' Bern ' })).toEqual({});
  expect(changedFields(before, { ...before, city: '   ', profession: ' ' })).toEqual({ city: null });
});
