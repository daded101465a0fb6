import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { shapesOf } from './icons';

const drawing = (inside: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${inside}</svg>`;

test('both drawings are drawn whole', () => {
  for (const name of ['favicon.svg', 'icon-maskable.svg']) {
    const svg = readFileSync(new URL(`../public/${name}`, import.meta.url), 'utf8');
    const fills = shapesOf(svg).map(({ fill }) => fill);
    expect(fills).toEqual(['#1f6b4f', '#f6f2ea', '#c0592b', '#c0592b', '#c0592b']);
  }
});

test('what would be left out of the pictures is refused', () => {
  const square = '<rect width="32" height="32" fill="#1f6b4f"/>';
  expect(shapesOf(drawing(square))).toHaveLength(1);
  for (const [inside, what] of [
    ['<ellipse cx="3" cy="3" rx="1" ry="2" fill="#1f6b4f"/>', '<ellipse>'],
    ['<style>rect{opacity:.5}</style>', '<style>'],
    ['<!-- a tree -->', '<!-->'],
    ['<rect width="32" height="32" fill="#1f6b4f" stroke-width="2"/>', '<rect> has stroke-width'],
    ['<rect x="4" width="24" height="24" fill="#1f6b4f"/>', '<rect> has x'],
    ['<circle cx=\'3\' cy="3" r="1" fill="#1f6b4f"/>', "<circle> has cx='3'"],
    ['<g opacity=".5"><circle cx="3" cy="3" r="1" fill="#1f6b4f"/></g>', '<g> has opacity'],
    ['<path d="M1 1C2 2 3 3 4 4z" fill="#1f6b4f"/>', 'path has C'],
  ] as const)
    expect(() => shapesOf(drawing(square + inside)), what).toThrow(what);
});
