import { expect, test } from 'vitest';
import { placeBeside, nextCell } from './picker';

test('arrows move through the grid and stay in it', () => {
  expect(nextCell('ArrowRight', 0, 20)).toBe(1);
  expect(nextCell('ArrowLeft', 0, 20)).toBe(0);
  expect(nextCell('ArrowDown', 3, 20)).toBe(11);
  expect(nextCell('ArrowUp', 11, 20)).toBe(3);
  expect(nextCell('ArrowDown', 15, 20)).toBe(19);
  expect(nextCell('a', 3, 20)).toBeNull();
});

test('from outside, only the arrow down leads into the grid', () => {
  expect(nextCell('ArrowDown', -1, 20)).toBe(0);
  expect(nextCell('ArrowRight', -1, 20)).toBeNull();
  expect(nextCell('ArrowDown', -1, 0)).toBeNull();
});

test('a panel is above what opened it, below where there is no room, and on the screen', () => {
  const opener = (left: number, top: number) =>
    ({ left, top, right: left + 30, bottom: top + 30 }) as DOMRectReadOnly;
  const [panel, screen] = [
    { width: 300, height: 350 },
    { width: 1000, height: 700 },
  ];
  expect(placeBeside(opener(600, 600), panel, screen)).toEqual({ left: 330, top: 242 });
  expect(placeBeside(opener(600, 100), panel, screen)).toEqual({ left: 330, top: 138 });
  expect(placeBeside(opener(0, 600), panel, screen)).toEqual({ left: 8, top: 242 });
  expect(placeBeside(opener(990, 600), panel, screen)).toEqual({ left: 692, top: 242 });
  expect(placeBeside(opener(600, 340), panel, { width: 1000, height: 400 })).toEqual({ left: 330, top: 42 });
});
