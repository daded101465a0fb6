import { expect, test } from 'vitest';
import { Held } from './holding.svelte';

const button = { left: 100, top: 700, width: 40, height: 40 };

test('what is let go on the button or near it is sent, and away from it discarded', () => {
  const held = new Held(button);
  held.moved({ clientX: 120, clientY: 630 });
  expect(held.away).toBe(false);
  held.moved({ clientX: 20, clientY: 720 });
  expect(held.away).toBe(true);
  // Whoever comes back wants it.
  held.moved({ clientX: 125, clientY: 715 });
  held.letGo();
  expect(held.end).toBe('let go');

  const other = new Held(button);
  other.moved({ clientX: 120, clientY: 600 });
  other.letGo();
  expect(other.end).toBe('given up');
});

test('it ends once', () => {
  const held = new Held(button);
  held.finish('interrupted');
  held.letGo();
  expect(held.end).toBe('interrupted');
});
