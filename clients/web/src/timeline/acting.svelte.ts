import type { ConversationState, Message, Person } from '@palabre/sdk';
import { tick, type Component } from 'svelte';
import { loadPicker } from '../composer/picking';
import type { Writing } from '../composer/writing.svelte';
import { go } from '../route.svelte';
import { threadOf } from '../threads/places';
import { personNamed, react, remove } from './acts';
import type { Doing } from './doing';

/** What each popup is given: that closes it, and nothing that was opened in its place. */
type Closing = Record<string, unknown> & { readonly onclose: () => void };

/** A part of the client that opens above a conversation, and what it is given. */
interface Popup<P extends Closing> {
  readonly load: () => Promise<{ default: Component<P> }>;
  readonly props: P;
}

/** Does what is to be done with the messages of the conversation that is shown. */
export class Acting implements Doing {
  /** The popup above the conversation: a part of the client that is loaded then. */
  open = $state.raw<Popup<Closing> | null>(null);
  readonly #conversation: () => ConversationState;
  readonly #writing: Writing;
  readonly #focus: () => void;
  readonly thread: Doing['thread'];

  /** `focus` gives the focus to the composer; `inThread`: the messages are those of a thread. */
  constructor(conversation: () => ConversationState, writing: Writing, focus: () => void, inThread = false) {
    this.#conversation = conversation;
    this.#writing = writing;
    this.#focus = focus;
    this.thread = inThread ? null : (message) => go(threadOf(message));
  }

  reply = (message: Message) => this.#write(() => this.#writing.reply(message));
  edit = (message: Message) => this.#write(() => this.#writing.begin(message));
  remove = (message: Message) => void remove(message);
  react = (message: Message, emoji: string) => void react(message, emoji);
  pick = (message: Message, beside: HTMLElement) =>
    this.#show((onclose) => ({
      load: loadPicker,
      props: { beside, onpick: (emoji: string) => this.react(message, emoji), onclose },
    }));
  versions = (message: Message) =>
    this.#show((onclose) => ({
      load: () => import('../versions/Versions.svelte'),
      props: { message, onclose },
    }));
  readers = (message: Message) =>
    this.#show((onclose) => ({
      load: () => import('./ReaderList.svelte'),
      props: { conversation: this.#conversation(), message, onclose },
    }));
  look = (person: Person) =>
    this.#show((onclose) => ({
      load: () => import('../people/ProfileCard.svelte'),
      props: { person, onclose },
    }));
  lookUp = (username: string) =>
    void personNamed(this.#conversation(), username).then((person) => person && this.look(person));

  #show<P extends Closing>(popupWith: (onclose: () => void) => Popup<P>): void {
    const onclose = () => {
      if (this.open === popup) this.open = null;
    };
    const popup = popupWith(onclose) as unknown as Popup<Closing>;
    this.open = popup;
  }

  #write(begin: () => void): void {
    begin();
    void tick().then(this.#focus);
  }
}
