import { expect, test } from 'vitest';
import { pathOf, placeOf, type Place } from './place';

const PLACES: [string, Place][] = [
  ['/', { page: 'talk', conversation: null, at: null }],
  ['/c/12', { page: 'talk', conversation: 12, at: null }],
  ['/c/12/345', { page: 'talk', conversation: 12, at: 345 }],
  ['/c/12/t/345', { page: 'talk', conversation: 12, at: null, thread: 345 }],
  ['/c/12/t/345/346', { page: 'talk', conversation: 12, at: null, thread: 345, reply: 346 }],
  ['/threads', { page: 'threads' }],
  ['/discover', { page: 'discover' }],
  ['/saved', { page: 'saved' }],
  ['/settings', { page: 'settings', section: '' }],
  ['/settings/profile', { page: 'settings', section: 'profile' }],
  ['/admin/statistics', { page: 'admin', section: 'statistics' }],
  ['/login', { page: 'login' }],
  ['/register', { page: 'register' }],
  ['/setup', { page: 'setup' }],
];

test.each(PLACES)('%s is a place and the place has that address', (path, place) => {
  expect(placeOf(path)).toEqual(place);
  expect(pathOf(place)).toBe(path);
});

test.each(['/nowhere', '/c', '/c/x', '/c/0', '/c/-1', '/c/1e3', '/c/99999999999999999'])(
  '%s opens the list of conversations',
  (path) => expect(placeOf(path)).toEqual({ page: 'talk', conversation: null, at: null }),
);
