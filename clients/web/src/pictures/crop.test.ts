import { expect, test } from 'vitest';
import { squareOf } from './crop';

test('what is shown is a square, and never leaves the picture', () => {
  const middle = { zoom: 1, across: 0.5, down: 0.5 };
  expect(squareOf(400, 300, middle)).toEqual({ left: 50, top: 0, side: 300 });
  expect(squareOf(300, 400, middle)).toEqual({ left: 0, top: 50, side: 300 });
  expect(squareOf(400, 300, { zoom: 3, across: 0, down: 1 })).toEqual({ left: 0, top: 200, side: 100 });
  expect(squareOf(400, 300, { zoom: 0.1, across: 7, down: -7 })).toEqual({ left: 100, top: 0, side: 300 });
});
