import type { WireFrame } from '@palabre/sdk';
import { look, type Frame, type Who } from './frames';

/** Older frames are forgotten. */
const KEPT = 500;

/** Everything that goes over both people's wires, and which of it is shown. */
export class Wiretap {
  #frames = $state.raw<readonly Frame[]>([]);
  /** The frames when somebody pressed pause. */
  #still = $state.raw<readonly Frame[] | null>(null);
  who = $state<Who | 'both'>('both');
  type = $state('');

  readonly paused = $derived(this.#still !== null);
  /** How many have come since. */
  readonly held = $derived(this.#still ? this.#frames.filter((one) => one.key > this.#lastStill).length : 0);
  readonly #lastStill = $derived(this.#still?.at(-1)?.key ?? 0);
  readonly #looked = $derived(this.#still ?? this.#frames);

  readonly types = $derived([...new Set(this.#looked.map((one) => one.type))].sort());
  readonly shown = $derived(
    this.#looked.filter(
      (one) => (this.who === 'both' || one.who === this.who) && (this.type === '' || one.type === this.type),
    ),
  );

  record(who: Who, wire: WireFrame): Frame {
    const frame = look(who, wire);
    this.#frames = [...this.#frames.slice(1 - KEPT), frame];
    return frame;
  }

  pause(paused: boolean): void {
    this.#still = paused ? this.#frames : null;
  }

  clear(): void {
    this.#frames = [];
    if (this.#still) this.#still = [];
    this.type = '';
  }
}
