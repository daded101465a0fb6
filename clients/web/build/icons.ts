// The icons as pictures, for systems that take no drawing: Android's home screen, Apple's, notifications. Drawn from the
// two SVG files, which hold a square, a path and circles; what else stands in them is refused.
import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import type { Plugin } from 'vite';

type Point = readonly [x: number, y: number];

/** A filled outline, in units of the drawing. */
interface Shape {
  readonly fill: string;
  readonly outline: readonly Point[];
}

/** Each picture, with the drawing of which it is made and its width. Apple rounds the corners itself. */
const PICTURES = [
  ['icon-192.png', 'favicon.svg', 192],
  ['icon-512.png', 'favicon.svg', 512],
  ['icon-maskable-192.png', 'icon-maskable.svg', 192],
  ['icon-maskable-512.png', 'icon-maskable.svg', 512],
  ['apple-touch-icon.png', 'icon-maskable.svg', 180],
] as const;

/** The width of the drawings. */
const WIDTH = 32;
/** Lines that are looked at for each row of a picture, and steps of each curve. */
const FINE = 8;
const STEPS = 24;

/** Writes the pictures beside what is built, and serves them while it is being written. */
export function icons(folder: string): Plugin {
  const drawn = (name: string) => {
    const picture = PICTURES.find(([file]) => file === name);
    return picture && png(shapesOf(readFileSync(`${folder}/${picture[1]}`, 'utf8')), picture[2]);
  };
  return {
    name: 'palabre-icons',
    generateBundle() {
      for (const [fileName] of PICTURES)
        this.emitFile({ type: 'asset', fileName, source: drawn(fileName) ?? '' });
    },
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const picture = drawn((request.url ?? '').slice(1));
        if (picture) response.setHeader('content-type', 'image/png').end(picture);
        else next();
      });
    },
  };
}

/** The attributes that are read of each element. A square is taken to be as high as it is wide. */
const READ: Readonly<Record<string, readonly string[]>> = {
  svg: ['xmlns', 'viewBox'],
  g: ['transform'],
  rect: ['width', 'height', 'rx', 'fill'],
  path: ['d', 'fill'],
  circle: ['cx', 'cy', 'r', 'fill'],
};

/** Throws if a drawing has what its pictures would leave out. */
function refuseOthers(svg: string): void {
  for (const [, tag = '', rest = ''] of svg.matchAll(/<([^/\s>]+)([^>]*)>/g)) {
    const read = READ[tag];
    if (!read) throw new Error(`an icon has <${tag}>, which is not drawn`);
    const names = rest.replace(/\/$/, '').replaceAll(/="[^"]*"/g, ' ');
    const other = names.split(/\s+/).find((name) => name !== '' && !read.includes(name));
    if (other !== undefined) throw new Error(`an icon's <${tag}> has ${other}, which is not drawn`);
  }
}

/** The shapes of a drawing, the lowest first. */
export function shapesOf(svg: string): Shape[] {
  refuseOthers(svg);
  const moved = /translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+)\)/.exec(svg);
  const [dx = 0, dy = 0, scale = 1] = moved ? moved.slice(1).map(Number) : [];
  const inGroup = svg.indexOf('<g');
  return [...svg.matchAll(/<(rect|path|circle) ([^>]+)>/g)].map((found) => {
    const attributes = new Map(
      [...(found[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const at = (name: string) => Number(attributes.get(name) ?? 0);
    const outline =
      found[1] === 'path'
        ? path(attributes.get('d') ?? '')
        : found[1] === 'circle'
          ? rounded(at('cx') - at('r'), at('cy') - at('r'), 2 * at('r'), at('r'))
          : rounded(0, 0, at('width'), at('rx'));
    const place = ([x, y]: Point): Point => [dx + scale * x, dy + scale * y];
    const isMoved = inGroup >= 0 && found.index > inGroup;
    return { fill: attributes.get('fill') ?? '', outline: isMoved ? outline.map(place) : outline };
  });
}

/** A square with round corners; a circle, if they take up all of it. */
function rounded(left: number, top: number, width: number, radius: number): Point[] {
  const corners: readonly Point[] = [
    [width - radius, width - radius],
    [radius, width - radius],
    [radius, radius],
    [width - radius, radius],
  ];
  return corners.flatMap(([x, y], corner) =>
    Array.from({ length: STEPS + 1 }, (_, step): Point => {
      const angle = ((corner + step / STEPS) * Math.PI) / 2;
      return [left + x + radius * Math.cos(angle), top + y + radius * Math.sin(angle)];
    }),
  );
}

/** An outline that begins somewhere and goes on by curves and lines: `M`, `c`, `s`, `l`, `h`, `v` and `z`. */
function path(d: string): Point[] {
  const points: Point[] = [];
  let [x, y]: Point = [0, 0];
  let [handleX, handleY]: Point = [0, 0];
  const curve = (numbers: readonly number[]) => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, dx = 0, dy = 0] = numbers;
    for (let step = 1; step <= STEPS; step += 1) {
      const t = step / STEPS;
      const [a, b, c] = [3 * t * (1 - t) ** 2, 3 * t ** 2 * (1 - t), t ** 3];
      points.push([x + a * x1 + b * x2 + c * dx, y + a * y1 + b * y2 + c * dy]);
    }
    [handleX, handleY] = [dx - x2, dy - y2];
    [x, y] = [x + dx, y + dy];
  };
  const line = (dx: number, dy: number) => {
    [x, y] = [x + dx, y + dy];
    points.push([x, y]);
  };
  for (const [, command = '', rest = ''] of d.matchAll(/([A-Za-z])([^A-Za-z]*)/g)) {
    const numbers = [...rest.matchAll(/-?(?:\d+\.?\d*|\.\d+)/g)].map(Number);
    const [first = 0, second = 0] = numbers;
    if (command === 'M') line(first - x, second - y);
    else if (command === 'l') line(first, second);
    else if (command === 'h') line(first, 0);
    else if (command === 'v') line(0, first);
    else if (command === 'c') for (let at = 0; at < numbers.length; at += 6) curve(numbers.slice(at, at + 6));
    else if (command === 's')
      for (let at = 0; at < numbers.length; at += 4) curve([handleX, handleY, ...numbers.slice(at, at + 4)]);
    else if (command !== 'z') throw new Error(`an icon's path has ${command}, which is not drawn`);
  }
  return points;
}

/** How much of each pixel of a row lies within an outline: 0 to 1. */
function coverage(outline: readonly Point[], row: number, size: number): Float64Array {
  const within = new Float64Array(size);
  for (let line = 0; line < FINE; line += 1) {
    const y = ((row + (line + 0.5) / FINE) * WIDTH) / size;
    const crossings = outline.flatMap(([x1, y1], at) => {
      const [x2, y2] = outline[(at + 1) % outline.length] ?? [x1, y1];
      return y1 <= y === y2 <= y ? [] : [((x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) * size) / WIDTH];
    });
    crossings.sort((a, b) => a - b);
    for (let at = 0; at + 1 < crossings.length; at += 2) {
      const [from, to] = [crossings[at] ?? 0, crossings[at + 1] ?? 0];
      for (let x = Math.max(0, Math.floor(from)); x < Math.min(size, to); x += 1)
        within[x] = (within[x] ?? 0) + (Math.min(to, x + 1) - Math.max(from, x)) / FINE;
    }
  }
  return within;
}

/** The picture: red, green, blue and how opaque, for each pixel. */
function png(shapes: readonly Shape[], size: number): Buffer {
  const rows = Buffer.alloc(size * (1 + 4 * size));
  for (let y = 0; y < size; y += 1) {
    const begin = y * (1 + 4 * size) + 1;
    for (const { fill, outline } of shapes) {
      const colour = [1, 3, 5].map((at) => Number.parseInt(fill.slice(at, at + 2), 16));
      coverage(outline, y, size).forEach((alpha, x) => paint(rows, begin + 4 * x, colour, alpha));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const body = chunk('IDAT', deflateSync(rows, { level: 9 }));
  return Buffer.concat([signature, chunk('IHDR', header), body, chunk('IEND', Buffer.alloc(0))]);
}

/** Lays a colour over a pixel. */
function paint(rows: Buffer, at: number, colour: readonly number[], alpha: number): void {
  if (alpha === 0) return;
  const below = (rows[at + 3] ?? 0) / 255;
  const opaque = alpha + below * (1 - alpha);
  colour.forEach((value, part) => {
    const before = (rows[at + part] ?? 0) * below * (1 - alpha);
    rows[at + part] = Math.round((value * alpha + before) / opaque);
  });
  rows[at + 3] = Math.round(255 * Math.min(1, opaque));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
