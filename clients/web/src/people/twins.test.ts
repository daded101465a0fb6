import { expect, test, vi } from 'vitest';

vi.mock('../town/town.svelte', () => ({ town: {} }));
const { likeness } = await import('./twins');

test.each([
  ['Ann', 'ann'],
  ['Ann', 'Аnn'],
  ['paypal', 'раураl'],
  ['Alice', 'AIice'],
  ['Alice', 'A1ice'],
  ['Bob', 'B0b'],
  ['corner', 'comer'],
  ['Zoë', 'Zoe\u0308'],
  ['Ann', 'Ａｎｎ'],
  ['Ann Lee', 'Ann  Lee.'],
  ['Ann', 'A\u200bnn'],
])('%s looks like %s', (one, other) => expect(likeness(one)).toBe(likeness(other)));

test.each([
  ['Ann', 'Anna'],
  ['Ann', 'Bob'],
  ['张伟', '王芳'],
  ['Ann 2', 'Ann 3'],
])('%s does not look like %s', (one, other) => expect(likeness(one)).not.toBe(likeness(other)));
