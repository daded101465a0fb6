// A voice message on its way: it can be discarded until it is said.
import { uploadFile } from '@palabre/sdk';
import type { Writing } from '../composer/writing.svelte';
import { client } from '../town/town.svelte';
import type { Recording } from './recording.svelte';
import { waveformOf } from './waveform';

/** What is sent of a recording that is over. */
type Recorded = Pick<Recording, 'name' | 'length' | 'levels'>;

/**
 * Sends a recording where one writes. Whether it was sent: not if it is discarded first; where that breaks off the upload
 * it throws.
 */
export async function sendVoice(
  bytes: Blob,
  { name, length, levels }: Recorded,
  { conversation, thread }: Pick<Writing, 'conversation' | 'thread'>,
  discarded: AbortSignal,
): Promise<boolean> {
  const { id } = await uploadFile(client, bytes, { name, signal: discarded });
  if (discarded.aborted) return false;
  const file = await client.command('file.voice', {
    file: id,
    duration_ms: Math.max(1, Math.round(length)),
    waveform: waveformOf(levels),
  });
  if (discarded.aborted) return false;
  client.send(conversation, '', { files: [file], ...(thread === null ? {} : { thread }) });
  return true;
}
