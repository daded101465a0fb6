import type { Who } from './frames';
import { forget, keep, randomText, readKept } from './kept';
import { Tester } from './tester.svelte';
import { Wiretap } from './wire.svelte';

const NAME_LENGTH = 5;

/** The two people, their room, and what goes over their wires. */
export class Playground {
  readonly wiretap = new Wiretap();
  readonly ada = new Tester('ada', 'Ada', this.wiretap);
  readonly bob = new Tester('bob', 'Bob', this.wiretap);
  readonly both = [this.ada, this.bob] as const;

  phase = $state<'before' | 'beginning' | 'begun'>('before');
  /** Why it could not begin. */
  problem = $state.raw<Error | null>(null);
  roomName = $derived(this.ada.conversation?.row.name ?? '');
  /** A session is over, and does not come back by itself. */
  readonly over = $derived(this.phase === 'begun' && this.both.some((one) => one.state.line === 'over'));

  tester(who: Who): Tester {
    return who === 'ada' ? this.ada : this.bob;
  }

  /** Whether it was begun in this tab before. */
  get wasBegun(): boolean {
    return readKept().room !== undefined;
  }

  /** Continues with the stored people, or creates the two people and their room. */
  async begin(): Promise<void> {
    this.phase = 'beginning';
    this.problem = null;
    try {
      for (const one of this.both) await one.enter();
      const room = readKept().room ?? (await this.#makeRoom());
      await Promise.all(this.both.map((one) => one.open(room)));
      this.phase = 'begun';
    } catch (error) {
      this.problem = error instanceof Error ? error : new Error(String(error));
      this.phase = 'before';
    }
  }

  async #makeRoom(): Promise<number> {
    const name = `playground-${randomText(NAME_LENGTH)}`;
    const room = await this.ada.client.command('conversation.create', {
      kind: 'room',
      name,
      // Private: nobody is to find it among the rooms that people use.
      visibility: 'private',
    });
    const { me } = this.bob.client.state;
    if (me) await this.ada.client.command('member.add', { conversation: room.id, user: me.id });
    keep({ room: room.id });
    return room.id;
  }

  /** Forgets these two, and begins with others. */
  async beginAnew(): Promise<void> {
    this.phase = 'beginning';
    forget();
    await Promise.all(this.both.map((one) => one.leave()));
    this.wiretap.clear();
    await this.begin();
  }
}
