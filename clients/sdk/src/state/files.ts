// Files: they stand in their message, and go with it. Their bytes are read by their path.
import type { File, Message } from '../wire.js';

/** The files that a message carries. Servers before feature level 7 know none. */
export function filesOf({ files }: Pick<Message, 'files'> | { readonly files?: undefined }): readonly File[] {
  return files ?? [];
}

/**
 * The path of a file's bytes below the server's address. It opens the file only for somebody who may see the message
 * that holds it: with a token, or in a browser with the cookie of `Client.readsFiles`.
 */
export function filePath({ id }: Pick<File, 'id'>, options: { readonly download?: boolean } = {}): string {
  return `/v1/files/${id}${options.download ? '?download=true' : ''}`;
}

/**
 * The path of a picture below the server's address, made smaller: `small` has 640 pixels at most, `large` 1,600. Where
 * there is no smaller one it gives the picture itself. Servers before feature level 8 have none: there the picture's own
 * path is it.
 */
export function thumbnailPath(
  file: Pick<File, 'id'> & { readonly blurhash?: string | null },
  size: 'small' | 'large',
): string {
  return file.blurhash === undefined ? filePath(file) : `${filePath(file)}/thumbnail/${size}`;
}

/** Whether browsers show it as a picture. */
export function isPicture({ media_type }: Pick<File, 'media_type'>): boolean {
  return ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'].includes(media_type);
}

/**
 * A message in one line: its text, or what its files are called; `null` once deleted. `called` names a file, where its
 * own name does not say what it is, as that of a recording.
 */
export function wordsOf(
  message: Pick<Message, 'text' | 'files'>,
  called: (file: File) => string = ({ name }) => `📎 ${name}`,
): string | null {
  if (message.text === null || message.text.trim() !== '') return message.text;
  return filesOf(message).map(called).join(', ');
}
