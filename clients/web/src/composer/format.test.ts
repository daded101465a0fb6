import { parts } from '@palabre/sdk';
import { expect, test } from 'vitest';
import { coded, linked, signed, styled } from './format';
import { continued, isInBlock, type Selected } from './lines';

/** A text with its selection: between two `|`, or at one. */
function at(marked: string): Selected {
  const [a = '', b, c] = marked.split('|');
  return {
    text: a + (b ?? '') + (c ?? ''),
    from: a.length,
    to: a.length + (c === undefined ? 0 : (b ?? '').length),
  };
}
function shown(selected: Selected | null): string | null {
  if (!selected) return null;
  const { text, from, to } = selected;
  return `${text.slice(0, from)}|${from === to ? '' : `${text.slice(from, to)}|`}${text.slice(to)}`;
}

test.each([
  ['a |b| c', 'a **|b|** c'],
  ['a |', 'a **|**'],
  ['a| b |c', 'a **|b|** c'],
  ['a **|b|** c', 'a |b| c'],
  ['a |**b**| c', 'a |b| c'],
  ['|a\n\nb |', '|**a**\n\n**b**| '],
  ['*|a|*', '***|a|***'],
  ['|你好|', '**|你好|**'],
])('bold: %j becomes %j', (before, after) => {
  expect(shown(styled(at(before), '**'))).toBe(after);
});

test('italic is not taken for half of bold', () => {
  expect(shown(styled(at('**|a|**'), '*'))).toBe('***|a|***');
  expect(parts('***a***')).toMatchObject([{ kind: 'strong', parts: [{ kind: 'emphasis' }] }]);
});

test.each([
  ['|x|', '`|x|`'],
  ['a\n|b\nc|\nd', 'a\n```\n|b\nc|\n```\nd'],
  ['a|b\nc|d', 'a\n```\n|b\nc|\n```\nd'],
])('code: %j becomes %j', (before, after) => {
  expect(shown(coded(at(before)))).toBe(after);
});

test('a link asks for its address, or for its text, and takes an address that is pasted over a text', () => {
  expect(shown(linked(at('see |the page|')))).toBe('see [the page](https://|)');
  expect(shown(linked(at('see |')))).toBe('see [|](https://)');
  expect(shown(linked(at('see |a [b]|!'), 'https://a.example/'))).toBe('see [a  b ](https://a.example/)|!');
});

test.each([
  ['bullets', 'a|', '- a|'],
  ['bullets', '- a|', 'a|'],
  ['bullets', '|a\nb|', '|- a\n- b|'],
  ['numbers', '|- a\n- b|\nc', '|1. a\n2. b|\nc'],
  ['numbers', '|1. a\n2. b|', '|a\nb|'],
  ['quote', 'x\n|a\n- b|', 'x\n|> a\n> - b|'],
  ['quote', '|> a\n> - b|', '|a\n- b|'],
] as const)('%s: %j becomes %j', (sign, before, after) => {
  expect(shown(signed(at(before), sign))).toBe(after);
});

test.each([
  ['- a|', '- a\n- |'],
  ['- a\n- |', '- a\n|'],
  ['- a|b', '- a\n- |b'],
  ['  * a|', '  * a\n  * |'],
  ['1. a|', '1. a\n2. |'],
  ['9) a|', '9) a\n10) |'],
  ['999. a|', '999. a\n999. |'],
  ['> a|', '> a\n> |'],
  ['> > a|', '> > a\n> > |'],
  ['a|', null],
  ['-a|', null],
  ['|- a', null],
  ['```\n- a|', null],
])('a new line in %j gives %j', (before, after) => {
  expect(shown(continued(at(before)))).toBe(after);
});

test('a block of code is open between its fences', () => {
  expect([isInBlock(at('```js\n|')), isInBlock(at('```\na\n```|')), isInBlock(at('a|```'))]).toEqual([
    true,
    false,
    false,
  ]);
});
