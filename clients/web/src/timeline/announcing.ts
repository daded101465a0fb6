import { plain, wordsOf } from '@palabre/sdk';
import { fileLine } from '../text/line';
import { isSeen } from '../town/watched';
import { client, town } from '../town/town.svelte';
import { announce } from '../ui/announce.svelte';
import { t } from './words';

/** Says others' messages to screen readers as they come, in the conversation that one looks at. Returns how to stop. */
export function announceMessages(): () => void {
  return client.on('message', (message) => {
    if (isSeen(message))
      announce(t().said(town.nameOf(message.author), plain(wordsOf(message, fileLine) ?? '')));
  });
}
