import { afterEach, expect, test, vi } from 'vitest';
import { Client, defaultStorage, memoryStorage, shownNameOf, uuid } from '../src/index.js';

afterEach(() => void vi.unstubAllGlobals());

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('a UUID can be had, also where the browser has no randomUUID', () => {
  expect(uuid()).toMatch(UUID);
  const random = crypto.getRandomValues.bind(crypto);
  vi.stubGlobal('crypto', { getRandomValues: random });
  expect(uuid()).toMatch(UUID);
  expect(uuid()).not.toBe(uuid());
});

test('where the browser forbids storage, there is one that forgets', () => {
  const forbidden = () => {
    throw new Error('SecurityError');
  };
  vi.stubGlobal('document', {});
  vi.stubGlobal('localStorage', undefined);
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get: forbidden });
  const storage = defaultStorage();
  storage.setItem('a', 'b');
  expect(storage.getItem('a')).toBe('b');
});

test('somebody is shown by the display name, else first and last name, else the username', () => {
  const ann = { username: 'ann', display_name: 'Annie', first_name: 'Ann', last_name: 'Oakley' };
  expect(shownNameOf(ann)).toBe('Annie');
  expect(shownNameOf({ ...ann, display_name: null })).toBe('Ann Oakley');
  expect(shownNameOf({ ...ann, display_name: '', first_name: null })).toBe('Oakley');
  expect(shownNameOf({ username: 'ann', display_name: null, first_name: null, last_name: null })).toBe('ann');
  expect(shownNameOf({ username: 'ann' })).toBe('ann');
});

test('outside of a page nothing is shared by itself, though there may be a localStorage', () => {
  vi.stubGlobal('localStorage', memoryStorage());
  defaultStorage().setItem('a', 'b');
  expect(defaultStorage().getItem('a')).toBeNull();
});

test('a UUID can be had where there is no crypto at all', () => {
  vi.stubGlobal('crypto', undefined);
  expect(uuid()).toMatch(UUID);
});

test.each(['localhost:8080', 'ws://localhost', '', '/chat', 'https://'])(
  'an address that is none is an error that says what it must be: %s',
  (url) => {
    expect(() => new Client({ url, storage: memoryStorage() })).toThrow(
      'must be an address with http or https',
    );
  },
);
