import { expect, test } from 'vitest';
import { sizeOf } from './pictures';

test('a picture has its room before it is loaded, in its own shape', () => {
  expect(sizeOf(4000, 3000)).toEqual({ width: 400, height: 300 });
  expect(sizeOf(300, 3000)).toEqual({ width: 30, height: 300 });
  expect(sizeOf(16, 16)).toEqual({ width: 16, height: 16 });
  expect(sizeOf(9000, 1)).toEqual({ width: 400, height: 1 });
});
