import { findsName, shownNameOf, type User } from '@palabre/sdk';
import { show } from '../people/showing';
import { iconOf } from '../rooms/icon';
import { go } from '../route.svelte';
import { reason } from '../town/problems';
import { client, town } from '../town/town.svelte';
import type { IconName } from '../ui/Icon.svelte';
import { toast } from '../ui/toasts.svelte';
import { HiddenOnes } from './hidden.svelte';
import { t } from './words';

/** Where one can go. */
export interface Goal {
  readonly key: string;
  readonly id: number;
  readonly name: string;
  readonly icon?: IconName | undefined;
  readonly go: () => void;
}

/** After this rest of the keys the server is asked for people. */
const REST = 150;

/** The conversations and people whose names begin so. To be made while its component is. */
export class Goals {
  #people = $state.raw<readonly User[]>([]);
  readonly #hidden = new HiddenOnes();
  readonly #typed: () => string;
  readonly #most: number;

  /**
   * @param typed what is looked for
   * @param most of each kind so many
   */
  constructor(typed: () => string, most: number) {
    this.#typed = typed;
    this.#most = most;
    $effect(() => {
      const prefix = typed().trim().replace(/^@/, '');
      let current = true;
      const timer = setTimeout(async () => {
        const answer = prefix
          ? await client.command('user.list', { prefix, limit: most }).catch(() => null)
          : null;
        if (current) this.#people = answer?.users ?? [];
      }, REST);
      return () => {
        current = false;
        clearTimeout(timer);
      };
    });
  }

  /** Own conversations first, then those that are hidden, then people with whom there is none yet. */
  get list(): Goal[] {
    const typed = this.#typed();
    const talks = town.list
      .filter((one) => findsName(town.titleOf(one), typed))
      .slice(0, this.#most)
      .map((one) => ({
        key: `c${one.id}`,
        id: one.peer?.id ?? one.id,
        name: town.titleOf(one),
        icon: iconOf(one.row),
        go: () => go({ page: 'talk' as const, conversation: one.id, at: null }),
      }));
    const named = typed.trim() ? this.#hidden.named(typed) : [];
    const away = named.slice(0, this.#most).map(({ row, title }) => ({
      key: `h${row.id}`,
      id: row.peer?.id ?? row.id,
      name: t().hidden(title),
      icon: iconOf(row),
      go: () => void show(row.id),
    }));
    const known = new Set([...town.list, ...this.#hidden.list].map((one) => one.peer?.id));
    const others = this.#people
      .filter((user) => !known.has(user.id) && user.id !== town.me?.id)
      .map((user) => ({
        key: `u${user.id}`,
        id: user.id,
        name: shownNameOf(user),
        go: () => void talkTo(user),
      }));
    return [...talks, ...away, ...others];
  }
}

async function talkTo(user: User) {
  try {
    const made = await client.command('conversation.create', { kind: 'direct', user: user.id });
    go({ page: 'talk', conversation: made.id, at: null });
  } catch (error) {
    toast(reason(error), 'error');
  }
}
