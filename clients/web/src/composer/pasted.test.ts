import { expect, test } from 'vitest';
import { ofHtml } from './pasted';

test.each([
  ['a <b>bold</b> and <em>italic </em>word', 'a **bold** and *italic* word'],
  ['<s>gone</s> <code>x = 1</code> <code>a`b</code>', '~~gone~~ `x = 1` a`b'],
  ['<h1>One</h1><h4>Four</h4><p>text</p>', '# One\n\n### Four\n\ntext'],
  ['<ul><li>a</li><li>b<ol start="3"><li>c</li></ol></li></ul>', '- a\n- b\n  3. c'],
  ['<ul><li>a<li>b</ul>', '- a\n- b'],
  ['<ul><li>a</li><ul><li>b</li></ul></ul>', '- a\n  - b'],
  ['<blockquote><p>a</p><p>b</p></blockquote>c', '> a\n>\n> b\n\nc'],
  ['<pre class="language-rust"><code>let a;\n</code></pre>', '```rust\nlet a;\n```'],
  ['<a href="https://a.example/x?a=1&amp;b=2">text</a>', '[text](https://a.example/x?a=1&b=2)'],
  ['<a href="https://a.example/">https://a.example</a>', 'https://a.example/'],
  ['<a href="https://a.example/(b)">t</a>', '[t](https://a.example/%28b%29)'],
  ['<a href="javascript:alert(1)">t</a> <a href="/x">u</a>', 't u'],
  ['<a href="https://a.example">a [b]</a>', 'a [b] https://a.example'],
  ['<b style="font-weight:normal"><span style="font-weight:700">a</span> b</b>', '**a** b'],
  ['<span style="font-style: italic; text-decoration: line-through">a</span>', '~~*a*~~'],
  ['<b>a<br>b</b>', '**a**\n**b**'],
  [
    '<script>alert(1)</script><style>p{}</style><p>a &lt;b&gt; &amp;amp; &#233;&nbsp;c</p><!-- no -->',
    'a <b> &amp; é c',
  ],
  ['<p>one</p>\n<p>two</p>', 'one\n\ntwo'],
  ['<div>one</div><div>two</div>', 'one\ntwo'],
])('%j is pasted as %j', (html, text) => {
  expect(ofHtml(html)).toBe(text);
});

test('hostile pages take no long time, and no depth', () => {
  for (const piece of [
    '<b>',
    '<ul><li>',
    '<a href="',
    '<',
    '<!--',
    '<b style="',
    '</b>',
    '&#',
    '<blockquote>',
    '<script>',
    '<b ',
  ]) {
    const begin = performance.now();
    ofHtml(piece.repeat(10_000));
    expect(performance.now() - begin, piece).toBeLessThan(3_000);
  }
  expect(ofHtml('a'.repeat(200_001))).toBeNull();
});
