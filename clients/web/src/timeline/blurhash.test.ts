import { expect, test } from 'vitest';
import { pixelsOf } from './blurhash';

test('a picture of one colour is that colour everywhere', () => {
  // As the server writes it.
  const pixels = pixelsOf(`L0TI:j${'fQ'.repeat(11)}`, 4, 3);
  expect(pixels).toHaveLength(48);
  for (let at = 0; at < 48; at += 4) expect([...pixels!.slice(at, at + 4)]).toEqual([255, 0, 0, 255]);
});

test('a known hash has the colours that others give it', () => {
  const pixels = pixelsOf('LEHV6nWB2yk8pyo0adR*.7kCMdnj', 32, 32)!;
  expect([...pixels.slice(0, 3)]).toEqual([135, 164, 177]);
});

test('what is no hash has no pixels', () => {
  for (const none of ['', 'L0TI:', 'L0TI:jfQ', 'L0TI:j"Q', 'é'.repeat(28)]) {
    expect(pixelsOf(none, 4, 4)).toBeNull();
  }
});
