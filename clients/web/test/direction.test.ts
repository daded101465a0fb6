import { expect, it } from 'vitest';

const SOURCES = import.meta.glob<string>('../src/**/*.svelte', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/**
 * An isolated text is `bdi` with `dir="auto"`. Without it Chromium keeps the direction of the first text where an element
 * is a clone, as all of Svelte's are, though another text takes its place.
 */
it('isolates names and texts in a way that follows their direction when they change', () => {
  const isolates = Object.entries(SOURCES).flatMap(([path, source]) =>
    [...source.matchAll(/<bdi\b[^>]*>/g)].map(([tag]) => `${path}: ${tag}`),
  );
  expect(isolates.length).toBeGreaterThan(30);
  expect(isolates.filter((tag) => !/<bdi dir="auto"[\s>]/.test(tag))).toEqual([]);
});
