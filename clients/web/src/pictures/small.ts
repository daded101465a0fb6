import { fileOf, read } from './crop';

/** What may stay as it is: a picture that moves would stand still if it was drawn again. */
const KINDS = ['image/png', 'image/webp', 'image/gif'];
/** Width and height of what is drawn anew. */
const SIDE = 128;

/** A picture that is small enough: as it is, or drawn anew. Throws if it cannot be read. */
export async function smallPicture(file: File, bytes: number, pixels: number): Promise<Blob> {
  const picture = await read(file);
  const fits = picture.width <= pixels && picture.height <= pixels && file.size <= bytes;
  if (fits && KINDS.includes(file.type)) return file;
  const canvas = document.createElement('canvas');
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return (await fileOf(canvas, bytes)) ?? file;
}
