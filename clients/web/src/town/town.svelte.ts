import {
  Client,
  shownNameOf,
  type ConversationState,
  type Person,
  type Server,
  type State,
} from '@palabre/sdk';
import { keep, storage } from '../kept';
import { home } from '../base';

/** The SDK's client: the only way to the server. */
export const client = new Client({ url: home, storage });

/**
 * The state of the client, as something that Svelte watches.
 *
 * The SDK gives a new state after every change and keeps the identity of whatever did not change, so a raw
 * reference is enough: whatever is derived from it stops where nothing is new.
 */
class Town {
  state = $state.raw<State>(client.state);
  signedIn = $state(client.signedIn);
  /** The server's description of itself; null until it has been asked. */
  server = $state.raw<Server | null>(null);

  readonly me = $derived(this.state.me);
  readonly people = $derived(this.state.people);
  readonly conversations = $derived(this.state.conversations);
  readonly drafts = $derived(this.state.drafts);
  /** The list of conversations as it is shown: the liveliest first. */
  readonly list = $derived(sorted(this.conversations));
  /** Messages of others that were not read, in all conversations. */
  readonly unread = $derived(this.list.reduce((sum, one) => sum + one.unread, 0));

  constructor() {
    client.subscribe((state) => (this.state = state));
    client.on('signedOut', () => {
      this.signedIn = false;
      // Habits are somebody's own, too; the theme and the language belong to the device.
      for (const habit of ['notify', 'emoji', 'details']) keep(habit, null);
    });
  }

  /** Asks the server what it is; again after an administrator was made. */
  async askServer(): Promise<void> {
    this.server = await client.server();
  }

  /** After a log-in or a registration: begins to listen. */
  enter(): void {
    this.signedIn = client.signedIn;
    if (this.signedIn) client.connect();
  }

  /** The shown name of a person: display name, else first and last name, else username. */
  nameOf(person: Person): string {
    const user = this.people.get(person.id)?.user ?? (this.me?.id === person.id ? this.me : null);
    return user ? shownNameOf(user) : person.username;
  }

  /** The title of a conversation: its name, the other person's, or its members'. */
  titleOf(conversation: ConversationState): string {
    const { row, peer, members } = conversation;
    if (row.name) return row.name;
    if (peer)
      return this.nameOf(peer) === peer.username ? (peer.display_name ?? peer.username) : this.nameOf(peer);
    const others = [...(members?.values() ?? [])].filter((member) => member.user.id !== this.me?.id);
    if (others.length > 0) return others.map((member) => this.nameOf(member.user)).join(', ');
    return row.kind === 'direct' ? (this.me ? this.nameOf(this.me) : '') : `#${row.id}`;
  }
}

function sorted(conversations: State['conversations']): ConversationState[] {
  const last = (one: ConversationState) => one.lastMessage?.created_at ?? one.row.created_at;
  return [...conversations.values()]
    .filter((one) => !one.hidden)
    .sort((a, b) => (last(a) < last(b) ? 1 : last(a) > last(b) ? -1 : b.id - a.id));
}

export const town = new Town();
