import { expect, test } from 'vitest';
import { sizeOf } from './pictures';

test('a picture has its room before it is loaded, in its own shape', () => {
  expect(sizeOf({ width: 4000, height: 3000 })).toEqual({ width: 400, height: 300 });
  expect(sizeOf({ width: 300, height: 3000 })).toEqual({ width: 30, height: 300 });
  expect(sizeOf({ width: 16, height: 16 })).toEqual({ width: 16, height: 16 });
  expect(sizeOf({ width: 9000, height: 1 })).toEqual({ width: 400, height: 1 });
  expect(sizeOf({ width: null, height: null })).toEqual({ width: 256, height: 192 });
});
