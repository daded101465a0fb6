import { expect, test } from 'vitest';
import { colour, read } from './colour';

test('what the library writes is read as text in kinds, and never as HTML', () => {
  expect(
    read(
      '<span class="hljs-keyword">let</span> a = <span class="hljs-string">&quot;&lt;b&gt;&amp;lt;&#x27;</span>',
    ),
  ).toEqual([
    { kind: 'keyword', text: 'let' },
    { kind: '', text: ' a = ' },
    { kind: 'string', text: '"<b>&lt;\'' },
  ]);
});

test.each([
  ['rust', 'fn main() { println!("<img src=x onerror=alert(1)>"); } // é 你'],
  ['TS', 'const a: string = `${b}`;\n/* c */'],
  ['c++', '#include <vector>\nint main() { return 0; }'],
  ['html', '<script>alert(1)</script>'],
  ['py', 'def f(x):\n    return "a" # b'],
  ['c#', 'var a = 1;'],
  ['yml', 'a: [1, "b"]'],
  ['diff', '- a\n+ b'],
])('code in %s has colours, and all of its text', async (language, code) => {
  const tokens = await colour(`${code}\n`, language);
  expect(tokens.map((token) => token.text).join('')).toBe(code);
  expect(tokens.some((token) => token.kind !== '')).toBe(true);
});

test('code in no language that is known, and very long code, has none', async () => {
  expect(await colour('a', 'nonsense')).toEqual([]);
  expect(await colour('a', 'constructor')).toEqual([]);
  expect(await colour('let a;'.repeat(5000), 'js')).toEqual([]);
});
