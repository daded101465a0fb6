// A client for programs: a bot must miss nothing, also while it does not run. Pages do without, and need not load it.
import { Client } from './client.js';
import { Follower, type Followed, type FollowOptions } from './follower.js';
import type { Heads } from './places.js';
import { Refusal } from './problem.js';
import type { State } from './state/index.js';
import type { Account, AccountRegisterData, Message } from './wire.js';

export class Bot extends Client {
  /**
   * Goes on with the session in storage if there is one that is still good; else logs in; opens the account if there is
   * none. So a program may begin with it on every run. Throws a `Refusal`.
   */
  async enter(data: AccountRegisterData): Promise<Account> {
    const account = this.signedIn ? await this.#known(data.username) : null;
    return account ?? this.#logInOrRegister(data);
  }

  /**
   * Everything that others say from the first connection on, or since the position that was kept: each message once, in
   * the order of its conversation. Nothing is lost and nothing comes twice across cuts, restarts of the server, resets,
   * and conversations that one was brought into meanwhile.
   *
   * To ask for the next message is to be done with the one before. The position is kept in the client's storage then: if
   * the storage outlives the program, after a crash only the message that was in hand comes again ("at least once").
   * With `clientId` in `send`, the answer to it is not said twice.
   *
   * A message comes as it is when it is told: edited meanwhile with its later text, deleted meanwhile not at all.
   */
  messages(options: FollowOptions = {}): Follower<Message> {
    return this.#follower(options, false, (it) => (it.type === 'message' ? it.message : null));
  }

  /** The same with the events of one's own account, from feature level 5 on. */
  follow(options: FollowOptions = {}): Follower<Followed> {
    return this.#follower(options, true, (it) => it);
  }

  #follower<T>(given: FollowOptions, account: boolean, show: (it: Followed) => T | null): Follower<T> {
    const inside = this.inside();
    const follower = new Follower<T>({ ...inside, show, account, given });
    inside.attach(follower);
    const heads = headsOf(this.state);
    if (heads && this.state.me) follower.authenticated(this.state.me.id, heads);
    return follower;
  }

  /** The account of the session in storage; `null` if it is another one, or if the session is good no longer. */
  async #known(username: string): Promise<Account | null> {
    try {
      const account = await this.command('account.get', {});
      return account.username.toLowerCase() === username.toLowerCase() ? account : null;
    } catch (error) {
      if (error instanceof Refusal && error.code === 'unauthenticated') return null;
      throw error;
    }
  }

  async #logInOrRegister(data: AccountRegisterData): Promise<Account> {
    const { username, password } = data;
    try {
      return await this.logIn({ username, password });
    } catch (wrong) {
      if (!(wrong instanceof Refusal) || wrong.code !== 'bad_credentials') throw wrong;
      return this.register(data).catch((error: unknown) => {
        // There is such an account, and the password is wrong.
        throw error instanceof Refusal && error.code === 'conflict' ? wrong : error;
      });
    }
  }
}

/** Where everything stands by what is known already; `null` before the first greeting. */
function headsOf({ epoch, accountSeq, conversations, unknownHeads }: State): Heads | null {
  if (epoch === null) return null;
  const known = [...conversations.values()].map(({ id, cursor, inner }) => {
    return { id, head: Math.max(cursor, inner.heard), now: cursor };
  });
  const unknown = [...unknownHeads].filter(([, head]) => head < Infinity);
  return {
    epoch,
    accountSeq,
    conversations: [...known, ...unknown.map(([id, head]) => ({ id, head, now: head }))],
  };
}
