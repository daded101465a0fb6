import type { Command } from './copy';
import { readCommand, written, type Who } from './frames';
import type { Playground } from './playground.svelte';
import type { Answer } from './tester.svelte';

/** Where commands are written by hand, and what became of the last ones. */
export class Console {
  readonly #playground: Playground;
  who = $state<Who>('ada');
  text = $state('');
  /** The answers, one for each command that was given together. */
  answers = $state.raw<{ who: Who; list: readonly Answer[] } | null>(null);
  busy = $state(false);
  /** Where it is written. */
  area = $state.raw<HTMLTextAreaElement | null>(null);

  readonly command = $derived(readCommand(this.text));
  /** The text that was put there last: while the field has it, nobody has typed anything. */
  #filled = '';

  constructor(playground: Playground) {
    this.#playground = playground;
  }

  /** Puts a command there to be looked at. */
  fill(who: Who, command: Command): void {
    this.who = who;
    this.text = this.#filled = written(command);
    this.answers = null;
  }

  /** Puts a command there, unless something stands there that somebody has written. */
  offer(who: Who, command: Command): void {
    if (this.text === this.#filled) this.fill(who, command);
  }

  /** Sends the command in the field. */
  async send(): Promise<void> {
    if (this.command) await this.run(this.who, [this.command]);
  }

  /** Sends commands, one after the other, and shows the last answer. */
  async run(who: Who, commands: readonly Command[]): Promise<void> {
    const tester = this.#playground.tester(who);
    const last = commands.at(-1);
    if (!last) return;
    this.fill(who, last);
    this.busy = true;
    const list: Answer[] = [];
    for (const command of commands) list.push(await tester.give(command));
    this.busy = false;
    this.answers = { who, list };
  }
}
