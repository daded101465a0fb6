import { wordsOf, type File, type Message } from '@palabre/sdk';
import { clockOf } from './clock';
import { excerpt } from './excerpt';
import { t } from './words';

/** The name of a file in a line. A recording is called a voice message, since the name of its file says nothing. */
export function fileLine({ name, voice }: Pick<File, 'name' | 'voice'>): string {
  return voice ? t().voice(clockOf(voice.duration_ms)) : `📎 ${name}`;
}

/** A message in one line, where nothing can be drawn: its text without markers, else its files; null once it is deleted. */
export function lineOf(message: Pick<Message, 'text' | 'files'>): string | null {
  const words = wordsOf(message, fileLine);
  return words === null ? null : excerpt(words);
}
