import type { Role, ServerRole } from '@palabre/sdk';
import { expect, test } from 'vitest';
import { may } from './permissions';
import { givable, mayTo } from './roles';

const where = (kind: 'room' | 'group' | 'direct', role: Role, visibility: 'public' | 'private' = 'public') =>
  ({ role, row: { kind, visibility } }) as Parameters<typeof may>[1];

test('in a room, administrators bring in and moderators put out', () => {
  expect(may('invite', where('room', 'member'), 'user')).toBe(false);
  expect(may('invite', where('room', 'moderator'), 'user')).toBe(false);
  expect(may('invite', where('room', 'admin'), 'user')).toBe(true);
  expect(may('remove', where('room', 'moderator'), 'user')).toBe(true);
});

test('in a group everybody brings in and renames, and nobody opens it', () => {
  expect(may('invite', where('group', 'member', 'private'), 'user')).toBe(true);
  expect(may('rename', where('group', 'member', 'private'), 'user')).toBe(true);
  expect(may('visibility', where('group', 'owner', 'private'), 'user')).toBe(false);
});

test('a direct conversation stays as it is', () => {
  for (const act of ['invite', 'remove', 'rename', 'roles', 'deleteOthers'] as const) {
    expect(may(act, where('direct', 'owner', 'private'), 'admin')).toBe(false);
  }
});

test('staff of the server counts in public rooms only', () => {
  const staff: ServerRole = 'admin';
  expect(may('rename', where('room', 'member', 'public'), staff)).toBe(true);
  expect(may('rename', where('room', 'member', 'private'), staff)).toBe(false);
});

test('nobody acts on an equal, but owners do', () => {
  expect(mayTo('remove', where('room', 'moderator'), 'user', 'moderator')).toBe(false);
  expect(mayTo('remove', where('room', 'moderator'), 'user', 'member')).toBe(true);
  expect(mayTo('remove', where('room', 'owner'), 'user', 'owner')).toBe(true);
});

test('nobody gives a role at or above their own, but owners do', () => {
  expect(givable(where('room', 'member'), 'user')).toEqual([]);
  expect(givable(where('room', 'admin'), 'user')).toEqual(['member', 'moderator']);
  expect(givable(where('room', 'owner'), 'user')).toEqual(['member', 'moderator', 'admin', 'owner']);
});
