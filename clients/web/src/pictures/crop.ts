/** A part of a picture: a square, in its pixels. */
export interface Square {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/** What is chosen: how much it is enlarged (1 or more), and where the middle is, from 0 to 1. */
export interface Choice {
  readonly zoom: number;
  readonly across: number;
  readonly down: number;
}

/** A picture has at most so many pixels: what has more could take all of a phone's memory. */
export const MOST_PIXELS = 40_000_000;

/** The square of a picture that is shown by a choice; it never leaves the picture. */
export function squareOf(width: number, height: number, { zoom, across, down }: Choice): Square {
  const side = Math.min(width, height) / Math.max(1, zoom);
  const at = (part: number, whole: number) => Math.min(1, Math.max(0, part)) * (whole - side);
  return { left: at(across, width), top: at(down, height), side };
}

/** Draws a square of a picture into a canvas of this many pixels. */
export function draw(canvas: HTMLCanvasElement, picture: ImageBitmap, square: Square, pixels: number): void {
  canvas.width = canvas.height = pixels;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.imageSmoothingQuality = 'high';
  const { left, top, side } = square;
  context.drawImage(picture, left, top, side, side, 0, 0, pixels, pixels);
}

const encoded = (canvas: HTMLCanvasElement, type: string, quality: number) =>
  new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality));

/** A canvas as a small file: WebP, or where a browser cannot write that, PNG or JPEG, whichever is small enough. */
export async function fileOf(canvas: HTMLCanvasElement, most: number): Promise<Blob | null> {
  for (const [type, quality] of [
    ['image/webp', 0.85],
    ['image/png', 1],
    ['image/jpeg', 0.85],
    ['image/jpeg', 0.6],
  ] as const) {
    const blob = await encoded(canvas, type, quality);
    if (blob?.type === type && blob.size <= most) return blob;
  }
  return null;
}

/** Reads a picture, as it is meant to be seen; throws if it is none. */
export const read = (file: Blob): Promise<ImageBitmap> =>
  createImageBitmap(file, { imageOrientation: 'from-image' });
