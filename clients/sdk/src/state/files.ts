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

/** Whether browsers show it as a picture. */
export function isPicture({ media_type }: Pick<File, 'media_type'>): boolean {
  return ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'].includes(media_type);
}

/** What a message says in one line: its text, or the names of its files; `null` once deleted. */
export function wordsOf(message: Pick<Message, 'text' | 'files'>): string | null {
  if (message.text === null || message.text.trim() !== '') return message.text;
  const names = filesOf(message).map(({ name }) => `📎 ${name}`);
  return names.join(', ');
}
