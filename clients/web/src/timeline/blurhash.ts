// Blurhashes (https://blurha.sh): a picture from far away, in about thirty characters.

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~';
/** Pixels of each side: the browser makes it as large as it is shown, and smooth. */
const SIDE = 32;

const number = (text: string) => [...text].reduce((sum, digit) => sum * 83 + DIGITS.indexOf(digit), 0);

function linear(value: number): number {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function curved(value: number): number {
  const share = Math.max(0, Math.min(1, value));
  return Math.round(255 * (share <= 0.0031308 ? share * 12.92 : 1.055 * share ** (1 / 2.4) - 0.055));
}

const squared = (value: number) => Math.sign(value) * value * value;

type Colour = [number, number, number];

/** The pixels of a blurhash, row by row, four bytes each; `null` if it is none. */
export function pixelsOf(hash: string, width: number, height: number): Uint8ClampedArray<ArrayBuffer> | null {
  if (hash.length < 6 || [...hash].some((digit) => !DIGITS.includes(digit))) return null;
  const size = number(hash.slice(0, 1));
  const [across, down] = [(size % 9) + 1, Math.floor(size / 9) + 1];
  if (hash.length !== 4 + 2 * across * down) return null;
  const strongest = (number(hash.slice(1, 2)) + 1) / 166;
  const waves: Colour[] = [];
  for (let nth = 0; nth < across * down; nth += 1) {
    if (nth === 0) {
      const value = number(hash.slice(2, 6));
      waves.push([linear(value >> 16), linear((value >> 8) & 255), linear(value & 255)]);
    } else {
      const value = number(hash.slice(4 + 2 * nth, 6 + 2 * nth));
      const part = (share: number) => squared((share - 9) / 9) * strongest;
      waves.push([part(Math.floor(value / 361)), part(Math.floor(value / 19) % 19), part(value % 19)]);
    }
  }
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const sum: Colour = [0, 0, 0];
      waves.forEach((wave, nth) => {
        const weight =
          Math.cos((Math.PI * x * (nth % across)) / width) *
          Math.cos((Math.PI * y * Math.floor(nth / across)) / height);
        wave.forEach((value, colour) => (sum[colour as 0 | 1 | 2] += value * weight));
      });
      pixels.set([...sum.map(curved), 255], 4 * (y * width + x));
    }
  }
  return pixels;
}

/** Paints a blurhash onto a canvas. */
export function painted(hash: string): (canvas: HTMLCanvasElement) => void {
  return (canvas) => {
    canvas.width = canvas.height = SIDE;
    const pixels = pixelsOf(hash, SIDE, SIDE);
    if (pixels) canvas.getContext('2d')?.putImageData(new ImageData(pixels, SIDE, SIDE), 0, 0);
  };
}
