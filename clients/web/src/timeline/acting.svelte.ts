import type { ConversationState, Message, Person } from '@palabre/sdk';
import { tick, type Component } from 'svelte';
import { loadPicker } from '../composer/picking';
import type { Writing } from '../composer/writing.svelte';
import { go } from '../route.svelte';
import { threadOf } from '../threads/places';
import { personNamed, react, remove } from './acts';
import type { Doing } from './doing';

/** A part of the client that opens above a conversation, and what it is given. */
interface Popup<P extends Record<string, unknown>> {
  readonly load: () => Promise<{ default: Component<P> }>;
  readonly props: P;
}

/** Does what is to be done with the messages of the conversation that is shown. */
export class Acting implements Doing {
  /** The popup above the conversation: a part of the client that is loaded then. */
  open = $state.raw<Popup<Record<string, unknown>> | null>(null);
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
    this.#show({
      load: loadPicker,
      props: { beside, onpick: (emoji: string) => this.react(message, emoji), onclose: this.close },
    });
  versions = (message: Message) =>
    this.#show({
      load: () => import('../versions/Versions.svelte'),
      props: { message, onclose: this.close },
    });
  readers = (message: Message) =>
    this.#show({
      load: () => import('./ReaderList.svelte'),
      props: { conversation: this.#conversation(), message, onclose: this.close },
    });
  look = (person: Person) =>
    this.#show({
      load: () => import('../people/ProfileCard.svelte'),
      props: { person, onclose: this.close },
    });
  lookUp = (username: string) =>
    void personNamed(this.#conversation(), username).then((person) => person && this.look(person));

  close = () => void (this.open = null);

  #show<P extends Record<string, unknown>>(popup: Popup<P>): void {
    this.open = popup as unknown as Popup<Record<string, unknown>>;
  }

  #write(begin: () => void): void {
    begin();
    void tick().then(this.#focus);
  }
}
