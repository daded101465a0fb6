import { Client, Refusal, type State } from '@palabre/sdk';
import { Cable } from './cable';
import { toldBy, type Catchup } from './catchup';
import type { Command } from './copy';
import type { Frame, Who } from './frames';
import { keep, randomText, readKept, storageOf, type Credentials } from './kept';
import type { Wiretap } from './wire.svelte';
import { home } from '../base';

const PASSWORD_LENGTH = 24;
const NAME_LENGTH = 5;

/** The answer to a command, or its refusal. */
export type Answer =
  | { readonly done: true; readonly data: unknown; readonly ms: number }
  | { readonly done: false; readonly error: unknown; readonly ms: number };

/** One of the two test people: a client of the SDK on a cable that can be cut. */
export class Tester {
  readonly who: Who;
  readonly name: string;
  readonly client: Client;
  readonly #cable = new Cable();
  readonly #wiretap: Wiretap;

  state: State;
  credentials = $state.raw<Credentials | null>(null);
  /** The account's; kept when the session is over. */
  id = $state(0);
  room = $state<number | null>(null);
  cut = $state(false);
  /** The catch-up of the last coming back; null until then. */
  caughtUp = $state.raw<Catchup | null>(null);

  readonly conversation = $derived.by(() =>
    this.room === null ? undefined : this.state.conversations.get(this.room),
  );
  /** The last message that is not deleted, of anybody. */
  readonly lastMessage = $derived(
    this.conversation?.timeline?.messages.findLast((one) => one.deleted_at === null),
  );
  /** The last of one's own that is not deleted. */
  readonly lastOwn = $derived(
    this.conversation?.timeline?.messages.findLast(
      (one) => one.deleted_at === null && one.author.id === this.id,
    ),
  );

  constructor(who: Who, name: string, wiretap: Wiretap) {
    this.who = who;
    this.name = name;
    this.#wiretap = wiretap;
    this.client = new Client({
      url: home,
      storage: storageOf(who),
      fetch: this.#cable.fetch,
      WebSocket: this.#cable.WebSocket,
    });
    this.state = $state.raw(this.client.state);
    this.credentials = readKept()[who] ?? null;
    this.client.subscribe((state) => {
      this.state = state;
      this.id = state.me?.id ?? this.id;
    });
    this.client.on('frame', (wire) => this.#heard(wiretap.record(who, wire)));
  }

  /** Lets the person in: with the session that there is, else by name, else with a new account. */
  async enter(): Promise<void> {
    if (this.client.signedIn) return;
    if (this.credentials) await this.client.logIn(this.credentials);
    else await this.#register();
  }

  async #register(): Promise<void> {
    const username = `${this.who}-${randomText(NAME_LENGTH)}`;
    const made = { username, password: randomText(PASSWORD_LENGTH) };
    await this.client.register({ ...made, display_name: this.name });
    this.credentials = made;
    keep({ [this.who]: made });
  }

  /** Connects, and opens the room. */
  async open(room: number): Promise<void> {
    this.room = room;
    this.client.connect();
    // Only then, so that the first connection has no cursors and differs from a coming back.
    await this.#connected();
    await this.client.open(room);
    this.client.loadPeople(this.client.state.conversations.get(room)?.members?.keys() ?? []);
  }

  /** Until there is a line, or none for now: the rest is seen at work. */
  #connected(): Promise<void> {
    return new Promise((resolve) => {
      const look = ({ line }: State) => {
        if (line === 'idle' || line === 'connecting') return;
        stop();
        resolve();
      };
      const stop = this.client.subscribe(look);
      look(this.client.state);
    });
  }

  /** Ends the session; the account stays on the server, and nobody knows its password any more. */
  async leave(): Promise<void> {
    this.mend();
    this.room = null;
    this.caughtUp = null;
    this.credentials = null;
    await this.client.logOut();
  }

  cutOff(): void {
    this.cut = true;
    this.caughtUp = null;
    this.#cable.cut();
  }

  mend(): void {
    this.cut = false;
    this.#cable.mend();
    this.client.reconnectNow();
  }

  /** Sends any command, also one that does not exist. */
  async give({ type, data }: Command): Promise<Answer> {
    const begun = performance.now();
    const since = () => Math.round(performance.now() - begun);
    try {
      // The server is to say what it thinks of it, not the compiler.
      const answer = await this.client.command(type as never, data as never);
      return { done: true, data: answer, ms: since() };
    } catch (error) {
      return { done: false, error, ms: since() };
    }
  }

  /** An access token for use elsewhere, of a session of its own. */
  async freshToken(): Promise<string> {
    const response = await this.#cable.fetch(`${home}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(this.credentials),
    });
    const body = (await response.json()) as { access_token?: unknown };
    if (typeof body.access_token !== 'string') {
      throw new Refusal({ code: 'bad_credentials', status: response.status });
    }
    return body.access_token;
  }

  /** Called before the client itself learns of the frame: it still knows what it knew. */
  #heard(frame: Frame): void {
    const known = this.room === null ? undefined : this.client.state.conversations.get(this.room);
    const told = frame.direction === 'in' && known ? toldBy(frame, known) : null;
    if (told) this.caughtUp = told;
  }
}
