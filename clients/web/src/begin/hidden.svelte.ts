import { findsName, type Conversation } from '@palabre/sdk';
import { client, town } from '../town/town.svelte';

/** The conversations that are hidden from the list: here they can be found. To be made while its component is. */
export class HiddenOnes {
  list = $state.raw<readonly Conversation[]>([]);

  constructor() {
    $effect(() => {
      // A server of an earlier version does not list them.
      client.command('conversation.list', { hidden: true, limit: 100 }).then(
        ({ conversations }) => (this.list = conversations),
        () => {},
      );
    });
  }

  /** Those whose title is found by this, and that nothing has brought back meanwhile. */
  named(wanted: string): { row: Conversation; title: string }[] {
    return this.list
      .filter(({ id }) => town.conversations.get(id)?.hidden !== false)
      .map((row) => ({ row, title: this.#titleOf(row) }))
      .filter(({ title }) => findsName(title, wanted));
  }

  #titleOf({ id, name, peer }: Conversation): string {
    const known = town.conversations.get(id);
    return known ? town.titleOf(known) : (name ?? (peer ? town.nameOf(peer) : `#${id}`));
  }
}
