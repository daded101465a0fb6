import {
  Core,
  shownNameOf,
  type ConversationState,
  type Person,
  type Server,
  type State,
  type Viewer,
} from '@palabre/sdk';
import { keep, storage } from '../kept';
import { home } from '../base';
import { preferLanguage } from '../i18n.svelte';

/** The SDK's core: the only way to the server. What it can do besides is in functions of the SDK, which are given it. */
export const client = new Core({ url: home, storage });

/**
 * The state of the client, as something that Svelte watches.
 *
 * The SDK gives a new state after every change and keeps the identity of whatever did not change, so a raw
 * reference is enough: whatever is derived from it stops where nothing is new.
 */
/** Members after whom a group without a name is called; of more, the title says that there are more. */
const MOST_NAMES = 8;

class Town {
  state = $state.raw<State>(client.state);
  signedIn = $state(client.signedIn);
  /** The server's description of itself; null until it has been asked. */
  server = $state.raw<Server | null>(null);

  /** Some members of the groups without a name, by conversation: see `groups.ts`. */
  groups = $state.raw<ReadonlyMap<number, readonly Person[]>>(new Map());

  readonly me = $derived(this.state.me);
  readonly people = $derived(this.state.people);
  readonly conversations = $derived(this.state.conversations);
  readonly drafts = $derived(this.state.drafts);
  /** The list of conversations as it is shown: the liveliest first. */
  readonly list = $derived(sorted(this.conversations));
  /** Messages of others that were not read, in all conversations. */
  readonly unread = $derived(this.list.reduce((sum, one) => sum + one.unread, 0));

  /** Those of them that are for this person. */
  readonly forMe = $derived(this.list.reduce((sum, one) => sum + one.unreadForMe, 0));

  /** Whom messages are for, or are not. */
  get viewer(): Viewer {
    return { me: this.me?.id ?? null, groups: this.state.userGroups?.own ?? null };
  }

  /** Those who ask at the same time wait for one answer. */
  #asking: Promise<Server> | null = null;

  constructor() {
    client.subscribe((state, before) => {
      this.state = state;
      // Changed on another device; at first the browser's own language counts.
      if (before.me && state.me?.language !== before.me.language) preferLanguage(state.me?.language);
    });
    client.on('signedOut', () => {
      this.signedIn = false;
      this.groups = new Map();
      // How far they were told is theirs; the client forgets whose it was with the session.
      if (this.state.me) keep(`told.${this.state.me.id}`, null);
      // Habits are somebody's own, too; the theme and the language belong to the device.
      for (const habit of ['notify', 'emoji', 'details', 'format']) keep(habit, null);
    });
  }

  /** Asks the server what it is; again after an administrator was made. */
  async askServer(): Promise<void> {
    this.#asking ??= client.server().finally(() => (this.#asking = null));
    this.server = await this.#asking;
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
    const all = members ? [...members.values()].map(({ user }) => user) : (this.groups.get(row.id) ?? []);
    const others = all.filter(({ id }) => id !== this.me?.id);
    const names = others.slice(0, MOST_NAMES).map((person) => this.nameOf(person));
    if (names.length > 0) return names.join(', ') + (row.member_count - 1 > names.length ? ', …' : '');
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
