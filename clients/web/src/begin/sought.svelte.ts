import type { Room } from '@palabre/sdk';
import { t } from '../rooms/words';
import { go } from '../route.svelte';
import { client } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';

/** A conversation that is asked for and not known: just made, hidden from the list, to be joined, or not ours. */
export class Sought {
  /** A public room that was asked for, and that one may join. */
  offered = $state.raw<Room | null>(null);

  /** The conversation that was shown last, as long as nothing else was asked for. */
  #shown: number | null = null;

  /**
   * To be made while its component is.
   *
   * @param wanted the conversation that is asked for, while it is not known
   * @param shown the one that is asked for and known
   */
  constructor(wanted: () => number | null, shown: () => number | null) {
    $effect(() => {
      const [id, now] = [wanted(), shown()];
      // A person who was removed while it was shown did not ask to join.
      const gone = id !== null && id === this.#shown;
      this.#shown = now;
      if (id === null) return;
      const current = () => wanted() === id;
      client
        .open(id)
        .catch((error: unknown) => (gone ? Promise.reject(error) : this.#offer(id, current)))
        .catch(() => {
          if (!current()) return;
          toast(t().notHere);
          go('/', true);
        });
    });
  }

  /** A public room can be joined; a server of an earlier version does not say which. */
  async #offer(id: number, current: () => boolean): Promise<void> {
    const { rooms } = await client.command('room.list', { conversation: id });
    const room = rooms.find((one) => !one.member);
    if (!room) throw new Error('It is not there.');
    if (current()) this.offered = room;
  }
}
