import { expect, test } from 'vitest';
import { shortAt } from './short';

test.each([
  ['hi :ta', 'emoji', 3, 'ta'],
  [':+1', 'emoji', 0, '+1'],
  ['好:ta', 'emoji', 1, 'ta'],
  [':fê', 'emoji', 0, 'fê'],
  ['see #gen', 'room', 4, 'gen'],
  ['(#公告', 'room', 1, '公告'],
] as const)('%j asks for an %s', (text, kind, from, typed) => {
  expect(shortAt(text, text.length)).toEqual({ kind, from, typed });
});

test.each([':t', '10:30', 'a:bc', '::ab', ':tada:', 'C#a', '#', 'x/#ab', 'https://a.example/#ab'])(
  '%j asks for none',
  (text) => {
    expect(shortAt(text, text.length)).toBeNull();
  },
);
