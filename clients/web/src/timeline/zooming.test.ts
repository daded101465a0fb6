import { expect, test, vi } from 'vitest';
import { Zooming } from './zooming.svelte';

test('what one points at stays where it is while it is made larger', () => {
  const zooming = new Zooming(() => {});
  zooming.by(2, { x: 100, y: -50 });
  expect([zooming.scale, zooming.x, zooming.y]).toEqual([2, -100, 50]);
  expect(zooming.transform).toBe('translate(-100px, 50px) scale(2)');
  zooming.by(1000);
  expect(zooming.scale).toBe(8);
  zooming.by(0.001);
  expect([zooming.scale, zooming.x, zooming.y]).toEqual([1, 0, 0]);
});

test('a swipe goes on or back, and moves the picture while it is large', () => {
  const swiped = vi.fn();
  const zooming = new Zooming(swiped);
  const swipe = (dx: number, dy: number) => {
    zooming.down(1, { x: 0, y: 0 });
    zooming.move(1, { x: dx, y: dy });
    zooming.up(1);
  };
  swipe(-100, 10);
  swipe(100, 10);
  swipe(-50, 0);
  swipe(-100, 90);
  expect(swiped.mock.calls).toEqual([[1], [-1]]);
  zooming.twice({ x: 0, y: 0 });
  swipe(-100, 30);
  expect([swiped.mock.calls.length, zooming.x, zooming.y]).toEqual([2, -100, 30]);
});

test('two fingers make it larger, and no swipe', () => {
  const swiped = vi.fn();
  const zooming = new Zooming(swiped);
  zooming.down(1, { x: -50, y: 0 });
  zooming.down(2, { x: 50, y: 0 });
  zooming.move(2, { x: 150, y: 0 });
  expect(zooming.scale).toBe(2);
  zooming.up(1);
  zooming.up(2);
  expect(swiped).not.toHaveBeenCalled();
});
