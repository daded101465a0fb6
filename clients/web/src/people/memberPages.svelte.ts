import { loadMembers, type Member } from '@palabre/sdk';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';

/** The members of a large conversation, read by pages as far as somebody looks. */
export class MemberPages {
  members = $state.raw<readonly Member[]>([]);
  /** There are more than those. */
  more = $state(true);
  /** Why the last page could not be read. */
  wrong = $state<string | null>(null);
  #cursor: string | null = null;
  #reading = false;

  constructor(readonly conversation: number) {}

  /** Takes a change that was made here; those of others are seen when the list is opened again. */
  put(changed: Member): void {
    const others = (member: Member) => member.user.id !== changed.user.id;
    this.members =
      changed.role === null
        ? this.members.filter(others)
        : this.members.map((member) => (others(member) ? member : changed));
  }

  /** Reads the next page, unless one is being read. */
  async next(): Promise<void> {
    if (this.#reading || !this.more) return;
    this.#reading = true;
    try {
      const page = await loadMembers(client, this.conversation, this.#cursor);
      client.loadPeople(page.members.map(({ user }) => user.id));
      this.members = [...this.members, ...page.members];
      this.#cursor = page.next_cursor;
      this.more = page.next_cursor !== null;
      this.wrong = null;
    } catch (error) {
      this.wrong = reason(error);
    } finally {
      this.#reading = false;
    }
  }
}
