import { plain } from '@palabre/sdk';
import { isWatched } from '../town/watched';
import { client, town } from '../town/town.svelte';
import { announce } from '../ui/announce.svelte';
import { t } from './words';

/** Says others' messages to screen readers as they come, in the conversation that one looks at. Returns how to stop. */
export function announceMessages(): () => void {
  return client.on('message', (message) => {
    if (isWatched(message.conversation))
      announce(t().said(town.nameOf(message.author), plain(message.text ?? '')));
  });
}
