import { expect, test } from 'vitest';
import { differences } from './differences';

/** In one line: what was removed in brackets, what was added in braces. */
function marked(before: string, after: string): string {
  const marks = { same: ['', ''], removed: ['[', ']'], added: ['{', '}'] } as const;
  return differences(before, after)
    .map(({ kind, text }) => marks[kind][0] + text + marks[kind][1])
    .join('');
}

test('what was removed and what was added are marked word by word', () => {
  expect(marked('the red roses', 'the white roses')).toBe('the [red]{white} roses');
  expect(marked('roses', 'roses bloom')).toBe('roses{ bloom}');
  expect(marked('a b c', 'c')).toBe('[a b ]c');
  expect(marked('', 'hello')).toBe('{hello}');
  expect(marked('same', 'same')).toBe('same');
  expect(marked('one two three', 'zero two four')).toBe('[one]{zero} two [three]{four}');
});

test('scripts without spaces are compared by their words', () => {
  expect(marked('明天发布新版本', '今天发布新版本')).toBe('[明天]{今天}发布新版本');
});

test('both texts come out of what is marked', () => {
  const words = ['a', 'b', ' ', '\n', '玫', '👍🏽', 'café', '.'];
  const random = (seed: number) => Math.abs(Math.sin(seed) * 10_000) % 1;
  const text = (seed: number) =>
    Array.from({ length: 30 }, (_, at) => words[Math.floor(random(seed * 31 + at) * words.length)]).join('');
  for (let seed = 1; seed < 50; seed += 1) {
    const [before, after] = [text(seed), text(seed + 100)];
    const pieces = differences(before, after);
    const of = (kind: string) => pieces.filter((it) => it.kind !== kind).map((it) => it.text);
    expect([of('added').join(''), of('removed').join('')]).toEqual([before, after]);
  }
});

test('long texts that differ everywhere do not take long', () => {
  const [before, after] = [0, 1].map((one) =>
    Array.from({ length: 3_000 }, (_, at) => at * 2 + one).join(' '),
  );
  expect(differences(before ?? '', after ?? '').length).toBeLessThan(10);
});
