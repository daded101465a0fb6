import type { Room } from '@palabre/sdk';
import { expect, it } from 'vitest';
import { roomChanges } from './roomChanges';

const room = { id: 7, name: 'garden', topic: 'What grows', visibility: 'public' } as Room;
const same = { name: 'garden', topic: 'What grows', visibility: 'public' } as const;

it('asks for nothing where nothing changed', () => {
  expect(roomChanges(room, same)).toBeNull();
  expect(roomChanges(room, { ...same, name: ' garden ' })).toBeNull();
});

it('says what changed and of which room', () => {
  expect(roomChanges(room, { ...same, name: 'orchard' })).toEqual({ conversation: 7, name: 'orchard' });
  expect(roomChanges(room, { ...same, visibility: 'private' })).toEqual({
    conversation: 7,
    visibility: 'private',
  });
});

it('clears a topic with null', () =>
  expect(roomChanges(room, { ...same, topic: ' ' })).toEqual({ conversation: 7, topic: null }));
