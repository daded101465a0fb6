import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import {
  findsName,
  hasVisible,
  mentions,
  parts,
  plain,
  sameName,
  spans,
  type Part,
  type Span,
} from '../src/text.js';
import { chance } from './help/people.js';

const text = (it: string): Part => ({ kind: 'text', text: it });
const link = (it: string, href = it): Part => ({ kind: 'link', text: it, href });
const labelled = (it: string, href: string): Part => ({ kind: 'link', text: it, href, parts: [text(it)] });
const mention = (username: string): Part => ({ kind: 'mention', text: `@${username}`, username });
const code = (it: string, block = false, language?: string): Part => ({
  kind: 'code',
  text: it,
  block,
  ...(language !== undefined && { language }),
});

const table: readonly (readonly [string, readonly Part[]])[] = [
  ['', []],
  ['hello', [text('hello')]],
  ['<b>&amp;</b>', [text('<b>&amp;</b>')]],

  // Links, and what stands beside them.
  ['https://example.org', [link('https://example.org', 'https://example.org/')]],
  ['see http://a.example/x?y=1#z now', [text('see '), link('http://a.example/x?y=1#z'), text(' now')]],
  ['HTTPS://EXAMPLE.ORG/A', [link('HTTPS://EXAMPLE.ORG/A', 'https://example.org/A')]],
  ['Look at https://a.example/x.', [text('Look at '), link('https://a.example/x'), text('.')]],
  [
    'https://a.example/x, https://b.example/y!',
    [link('https://a.example/x'), text(', '), link('https://b.example/y'), text('!')],
  ],
  ['(https://a.example/x)', [text('('), link('https://a.example/x'), text(')')]],
  ['https://a.example/x_(y)', [link('https://a.example/x_(y)')]],
  ['(see https://a.example/x_(y)).', [text('(see '), link('https://a.example/x_(y)'), text(').')]],
  ['[a](https://a.example/x)', [labelled('a', 'https://a.example/x')]],
  ['"https://a.example/x"', [text('"'), link('https://a.example/x'), text('"')]],
  ['<https://a.example/x>', [text('<'), link('https://a.example/x'), text('>')]],
  ['«https://a.example/x»', [text('«'), link('https://a.example/x'), text('»')]],
  ['https://a.example/x…', [link('https://a.example/x'), text('…')]],
  [
    'https://a.example/x\nhttps://b.example/y',
    [link('https://a.example/x'), text('\n'), link('https://b.example/y')],
  ],
  ['mailto:ann@example.org', [link('mailto:ann@example.org')]],
  ['https://bücher.example/ü', [link('https://bücher.example/ü', 'https://xn--bcher-kva.example/%C3%BC')]],
  ['http://[::1]:8080/x', [link('http://[::1]:8080/x')]],
  ['https://a.example/@ann', [link('https://a.example/@ann')]],
  ['https://a.example/?next=https://b.example/', [link('https://a.example/?next=https://b.example/')]],

  // These must not be links.
  ['javascript:alert(1)', [text('javascript:alert(1)')]],
  ['JaVaScRiPt:alert(1)', [text('JaVaScRiPt:alert(1)')]],
  ['java\tscript:alert(1)', [text('java\tscript:alert(1)')]],
  ['data:text/html,<script>alert(1)</script>', [text('data:text/html,<script>alert(1)</script>')]],
  ['vbscript:msgbox(1)', [text('vbscript:msgbox(1)')]],
  ['file:///etc/passwd', [text('file:///etc/passwd')]],
  ['blob:https://a.example/1', [text('blob:'), link('https://a.example/1')]],
  ['https://', [text('https://')]],
  ['https://.', [text('https://.')]],
  ['http:/a.example', [text('http:/a.example')]],
  ['xhttps://a.example', [text('xhttps://a.example')]],
  ['https://bank.example@evil.example/', [text('https://bank.example@evil.example/')]],
  ['https://ann:secret@evil.example/', [text('https://ann:secret@evil.example/')]],
  ['https://@evil.example/', [text('https://@evil.example/')]],
  ['https://bank.example\\@evil.example/', [text('https://bank.example\\@evil.example/')]],
  ['https://bank.example%40evil.example/', [text('https://bank.example%40evil.example/')]],
  ['mailto:ann@example.org?bcc=eve@evil.example', [text('mailto:ann@example.org?bcc=eve@evil.example')]],
  ['mailto:', [text('mailto:')]],
  ['https://a.example/\u202Egpj.exe', [link('https://a.example/'), text('\u202Egpj.exe')]],

  // Mentions.
  ['@ann', [mention('ann')]],
  ['hello @ann.b, @bob!', [text('hello '), mention('ann.b'), text(', '), mention('bob'), text('!')]],
  ['thanks @ann.', [text('thanks '), mention('ann'), text('.')]],
  ['(@ann)', [text('('), mention('ann'), text(')')]],
  ['ann@example.org', [link('ann@example.org', 'mailto:ann@example.org')]],
  ['mail@ann', [text('mail@ann')]],
  ['ma\u0300@ann', [text('ma\u0300@ann')]],
  ['see:@ann', [text('see:'), mention('ann')]],
  ['@', [text('@')]],
  ['@@ann', [text('@@ann')]],
  ['@Zoë', [mention('Zoë')]],

  // Code, in which nothing else is found.
  ['`x`', [code('x')]],
  ['a `https://a.example` b', [text('a '), code('https://a.example'), text(' b')]],
  ['`@ann` @bob', [code('@ann'), text(' '), mention('bob')]],
  ['```\nlet x = `1`;\n```', [code('let x = `1`;\n', true)]],
  ['```js\nf()\n``` done', [code('f()\n', true, 'js'), text(' done')]],
  ['```x```', [code('x', true)]],
  ['`not closed', [text('`not closed')]],
  ['``', [text('``')]],
  ['`a\nb`', [text('`a\nb`')]],
  ['`<img src=x onerror=alert(1)>`', [code('<img src=x onerror=alert(1)>')]],
];

interface Vectors {
  readonly texts: readonly {
    readonly text: string;
    readonly parts: readonly Wanted[];
    readonly plain?: string;
  }[];
  readonly names: readonly { readonly raw: string; readonly stored?: string; readonly compared?: string }[];
  readonly searches: readonly {
    readonly names: readonly string[];
    readonly search: string;
    readonly found: boolean;
  }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../docs/protocol/text-vectors.json', import.meta.url), 'utf8'),
) as Vectors;

/** A part as the vectors write it: names in their compared form, a link by where it leads. */
function written(span: Span): Record<string, unknown> {
  const at: Record<string, unknown> = { ...span };
  if ('parts' in span && span.parts) at['parts'] = span.parts.map(written);
  if (span.kind === 'link') [at['address'], at['href']] = [span.href, undefined];
  if (span.kind === 'mention') [at['name'], at['username']] = [sameName(span.username), undefined];
  if (span.kind === 'room') at['name'] = sameName(span.name);
  return at;
}

type Wanted = Record<string, unknown>;
const browsers = (part: Wanted): Wanted => ({
  ...part,
  ...(part['kind'] === 'link' && { address: new URL(String(part['address'])).href }),
  ...(Array.isArray(part['parts']) && { parts: (part['parts'] as Wanted[]).map(browsers) }),
});

test.each(vectors.texts)('$text has the parts that the vectors say', ({ text, parts, plain: wanted }) => {
  expect(spans(text).map(written)).toEqual(parts.map(browsers));
  expect(plain(text)).toBe(wanted ?? text);
});

test('names are compared as the vectors say', () => {
  for (const { raw, stored, compared } of vectors.names) {
    if (stored === undefined) continue;
    expect(sameName(stored), raw).toBe(compared);
  }
});

test.each(vectors.searches.filter(({ names }) => names.length > 0))(
  '$names by $search',
  ({ names, search, found }) => {
    // A page looks through a title as a whole, and finds pieces of words besides.
    if (found)
      expect(
        findsName(names.join(' '), search) || findsName(names.join(' ').replace(/['_-]/g, ''), search),
      ).toBe(true);
  },
);

test('a sign alone finds no name that has none', () => {
  expect(findsName('Ann', '%')).toBe(false);
  expect(findsName('Ann', '')).toBe(true);
});

test('a text of which nothing can be seen is known', () => {
  for (const blank of [
    '',
    ' ',
    '\u200b',
    '\u2800',
    '\u3164',
    '\u00ad',
    '\u202e',
    '\ufeff',
    '\u0301',
    '\u{e0041}',
  ])
    expect(hasVisible(blank), JSON.stringify(blank)).toBe(false);
  for (const seen of ['a', '你', '👍', '.', '\u200ba']) expect(hasVisible(seen)).toBe(true);
});

test.each(table)('%j', (given, wanted) => {
  expect(parts(given)).toEqual(wanted);
});

test.each([
  ['hello @Ann, are you there?', true],
  ['(@ann)', true],
  ['@anna and @bob', false],
  ['ann without a sign', false],
  ['mail@ann', false],
  ['write to me@ann.example', false],
  ['`@ann`', false],
  ['https://a.example/@ann', false],
  [null, false],
])('%j calls ann: %s', (given, wanted) => {
  expect(mentions(given, 'ann')).toBe(wanted);
});

test('whatever comes, nothing is lost, and links lead only where they may', () => {
  const random = chance(11);
  const pieces = [
    'https://',
    'http://',
    'mailto:',
    'javascript:',
    '@',
    'ann',
    'a.example',
    '/',
    ':',
    '(',
    ')',
    '[',
    ']',
    '.',
    ',',
    ' ',
    '\n',
    '\\',
    '"',
    '<',
    '%40',
    '\u202e',
    '\0',
    'ü',
    '👍',
    '?',
    '#',
    '&',
    '*',
    '**',
    '_',
    '~~',
    '`',
    '```',
    '\n> ',
    '\n- ',
    '\n  ',
    '\n1. ',
    '# ',
    '](https://a.example)',
  ];
  for (let round = 0; round < 5000; round += 1) {
    const given = Array.from({ length: 12 }, () => pieces[Math.floor(random() * pieces.length)]).join('');
    let at = 0;
    for (const span of spans(given)) {
      expect(span.from, given).toBe(at);
      at = span.to;
    }
    expect(at, given).toBe([...given].length);
    for (const part of parts(given)) {
      if (part.kind !== 'link') continue;
      const url = new URL(part.href);
      expect(['http:', 'https:', 'mailto:']).toContain(url.protocol);
      expect(url.username + url.password).toBe('');
    }
  }
});

test('a long hostile text takes no long time', () => {
  for (const piece of [
    '`',
    '```',
    '(',
    'https://a.example/(',
    '@a.',
    '@',
    'https://',
    '.',
    ')',
    'mailto:a@',
    'a@',
    'a@b.',
    'www.',
    '＠a',
    '你',
    '```\n',
    '*',
    '* ',
    '**a ',
    '*a _b ~~c **d ',
    '_a_',
    '>',
    '> ',
    '\n> ',
    '\n- a\n  - b\n    - c',
    '-',
    '- ',
    '\n1. a',
    '[',
    '[a](https://x',
    '[a](https://a.example)',
    '](https://a.example)',
    '#',
    '#a',
    ':',
    ':a',
    '\t',
    ' ',
  ]) {
    const given = piece.repeat(10_000);
    const begin = performance.now();
    parts(given);
    // A time that grew with the square would be minutes.
    expect(performance.now() - begin, piece).toBeLessThan(3000);
  }
});
