import { createSubscriber } from 'svelte/reactivity';

/** Ticks as long as something on the screen looks at it. */
const tick = createSubscriber((update) => {
  const timer = setInterval(update, 500);
  return () => clearInterval(timer);
});

/** Seconds until a moment, in milliseconds since 1970; never less than 0. */
export function seconds(until: number | null): number {
  tick();
  return Math.max(0, Math.ceil(((until ?? 0) - Date.now()) / 1000));
}
