import type { ConversationState, Message, Person } from '@palabre/sdk';
import { tick } from 'svelte';
import type { Writing } from '../composer/writing.svelte';
import { go } from '../route.svelte';
import { threadOf } from '../threads/places';
import { personNamed, react, remove } from './acts';
import type { Doing } from './doing';

/** Does what is to be done with the messages of the conversation that is shown. */
export class Acting implements Doing {
  /** The message for which an emoji is being picked, and beside what. */
  picking = $state.raw<{ message: Message; beside: HTMLElement } | null>(null);
  /** The message whose earlier texts are shown. */
  reading = $state.raw<Message | null>(null);
  /** Whose profile is shown. */
  looking = $state.raw<Person | null>(null);
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
  pick = (message: Message, beside: HTMLElement) => (this.picking = { message, beside });
  versions = (message: Message) => (this.reading = message);
  look = (person: Person) => (this.looking = person);
  lookUp = (username: string) =>
    void personNamed(this.#conversation(), username).then((person) => (this.looking = person));

  #write(begin: () => void): void {
    begin();
    void tick().then(this.#focus);
  }
}
