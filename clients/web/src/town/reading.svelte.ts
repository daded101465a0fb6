import { picturePath } from '@palabre/sdk';
import { home } from '../base';
import { showPictures } from '../ui/pictures.svelte';
import { client, town } from './town.svelte';

/** The cookie that opens files is asked for again after this time: a browser may have lost it. */
const AGAIN_MS = 6 * 3_600_000;
const SOON_MS = 5_000;

let ready = $state(false);
let asked = 0;

client.on('signedOut', () => {
  ready = false;
  asked = 0;
});

/** Whether this browser may show files by their addresses. Asks for it when it is first wanted. */
export function readsFiles(): boolean {
  if (Date.now() - asked > (ready ? AGAIN_MS : SOON_MS)) {
    asked = Date.now();
    client.readsFiles().then(
      () => (ready = true),
      () => setTimeout(readsFiles, SOON_MS),
    );
  }
  return ready;
}

/** The address of a picture, once it can be shown: until then initials are. */
export const pictureAt = (picture: string | null | undefined) =>
  picture && readsFiles() ? home + picturePath(picture) : null;

showPictures((id, isRoom) =>
  pictureAt((isRoom ? town.conversations.get(id)?.row : town.people.get(id)?.user)?.avatar),
);
