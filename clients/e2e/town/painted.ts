// A picture to send, painted here: a hill in the evening.
import { deflateSync } from 'node:zlib';

/** Of each byte, the checksum that PNG wants (ISO 3309). */
const SUMS = Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum >>> 0;
});

function checksum(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (SUMS[(sum ^ byte) & 0xff] ?? 0) ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(checksum(body));
  return Buffer.concat([length, body, sum]);
}

/** Red, green and blue of a point; both sides go from 0 to 1. */
function colourAt(x: number, y: number): readonly [number, number, number] {
  const hill = 0.62 + 0.12 * Math.sin(x * 4 + 0.6);
  if (y > hill) return [40 + 30 * x, 92 - 40 * (y - hill), 60];
  const sun = Math.hypot(x - 0.72, (y - 0.34) * 0.7) < 0.09;
  return sun ? [250, 214, 120] : [236 - 60 * y, 180 - 30 * y, 150 + 40 * (1 - y)];
}

/** A PNG of this size. */
export function painted(width: number, height: number): Buffer {
  const line = 1 + width * 3;
  const points = Buffer.alloc(height * line);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      points.set(colourAt(x / width, y / height).map(Math.round), y * line + 1 + x * 3);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits each of red, green and blue.
  head.set([8, 2], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(points)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
