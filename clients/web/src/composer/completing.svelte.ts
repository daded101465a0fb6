import type Mentions from './Mentions.svelte';
import { mentionAt } from './mention';
import { shortAt } from './short';
import type Shorts from './Shorts.svelte';

/** What the text before the caret asks for: people, emoji or rooms. */
export class Completing {
  readonly #text: () => string;
  caret = $state(0);
  /** Where a list was dismissed: not offered again for the same word. */
  #dismissed = $state<number | null>(null);
  readonly #mentioned = $derived.by(() => mentionAt(this.#text(), this.caret));
  readonly #shortened = $derived.by(() => shortAt(this.#text(), this.caret));
  readonly mention = $derived(this.#mentioned?.from === this.#dismissed ? null : this.#mentioned);
  readonly short = $derived(
    this.mention || this.#shortened?.from === this.#dismissed ? null : this.#shortened,
  );
  /** The lists, loaded when they are first wanted; without them everything can be written all the same. */
  People = $state.raw<typeof Mentions | null>(null);
  Names = $state.raw<typeof Shorts | null>(null);
  /** The list that is shown. */
  list = $state<Mentions | Shorts | null>(null);

  constructor(text: () => string) {
    this.#text = text;
  }

  dismiss(): void {
    this.#dismissed = (this.mention ?? this.short)?.from ?? null;
  }

  /** Loads the list that is wanted. */
  load(): void {
    const nothing = () => {};
    if (this.mention && !this.People)
      import('./Mentions.svelte').then((loaded) => (this.People = loaded.default), nothing);
    if (this.short && !this.Names)
      import('./Shorts.svelte').then((loaded) => (this.Names = loaded.default), nothing);
  }
}
