// Somebody with an account, who does over REST what a test only needs to have been done.
import type {
  Account,
  AccountUpdateData,
  Conversation,
  History,
  Member,
  Message,
  MessageSent,
  Presence,
  Role,
  Tokens,
  Visibility,
} from '@palabre/sdk';
import { randomUUID } from 'node:crypto';

export const PASSWORD = 'correct horse battery';

/** At most this many requests are under way at once when many messages are sent. */
const AT_ONCE = 64;

export interface RoomOptions {
  readonly topic?: string;
  readonly visibility?: Visibility;
}

/** One REST call; throws what the server has against it. */
export async function call<T>(
  url: string,
  token: string | null,
  method: string,
  path: string,
  body?: object,
) {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export class Person {
  readonly url: string;
  readonly tokens: Tokens;

  constructor(url: string, tokens: Tokens) {
    this.url = url;
    this.tokens = tokens;
  }

  get id(): number {
    return this.tokens.user.id;
  }

  get username(): string {
    return this.tokens.user.username;
  }

  do<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    return call<T>(this.url, this.tokens.access_token, method, path, body);
  }

  makeRoom(name: string, options: RoomOptions = {}): Promise<Conversation> {
    return this.do('POST', '/v1/conversations', { kind: 'room', name, ...options });
  }

  makeGroup(name: string, members: readonly Person[]): Promise<Conversation> {
    return this.do('POST', '/v1/conversations', {
      kind: 'group',
      name,
      members: members.map((one) => one.id),
    });
  }

  directWith(other: Person): Promise<Conversation> {
    return this.do('POST', '/v1/conversations', { kind: 'direct', user: other.id });
  }

  join({ id }: Conversation): Promise<Conversation> {
    return this.do('POST', `/v1/conversations/${id}/join`);
  }

  add({ id }: Conversation, other: Person): Promise<Member> {
    return this.do('POST', `/v1/conversations/${id}/members`, { user: other.id });
  }

  remove({ id }: Conversation, other: Person): Promise<void> {
    return this.do('DELETE', `/v1/conversations/${id}/members/${other.id}`);
  }

  giveRole({ id }: Conversation, other: Person, role: Role): Promise<Member> {
    return this.do('PATCH', `/v1/conversations/${id}/members/${other.id}`, { role });
  }

  say({ id }: Conversation, text: string, parent?: number): Promise<MessageSent> {
    const reply = parent === undefined ? {} : { parent };
    return this.do('PUT', `/v1/conversations/${id}/messages/${randomUUID()}`, { text, ...reply });
  }

  /** Says many things, as fast as the server takes them; not necessarily in this order. */
  async sayAll(conversation: Conversation, texts: readonly string[]): Promise<void> {
    const left = texts.entries();
    const speak = async () => {
      for (const [, text] of left) await this.say(conversation, text);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, speak));
  }

  react({ id }: Conversation, seq: number, emoji: string): Promise<Message> {
    return this.do('PUT', `/v1/conversations/${id}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`);
  }

  edit({ id }: Conversation, seq: number, text: string): Promise<Message> {
    return this.do('PATCH', `/v1/conversations/${id}/messages/${seq}`, { text });
  }

  delete({ id }: Conversation, seq: number): Promise<Message> {
    return this.do('DELETE', `/v1/conversations/${id}/messages/${seq}`);
  }

  read({ id }: Conversation, seq: number): Promise<unknown> {
    return this.do('PUT', `/v1/conversations/${id}/read`, { seq });
  }

  type({ id }: Conversation, typing: boolean): Promise<void> {
    return this.do('PUT', `/v1/conversations/${id}/typing`, { typing });
  }

  setPresence(presence: Presence): Promise<void> {
    return this.do('PUT', '/v1/users/me/presence', { presence });
  }

  update(profile: AccountUpdateData): Promise<Account> {
    return this.do('PATCH', '/v1/users/me', profile);
  }

  /** All messages of a conversation, oldest first, as the server keeps them. */
  async history({ id }: Conversation): Promise<Message[]> {
    const all: Message[] = [];
    let before = '';
    for (;;) {
      const page: History = await this.do('GET', `/v1/conversations/${id}/messages?limit=200${before}`);
      all.unshift(...page.messages);
      const first = page.messages[0];
      if (!page.has_more_before || !first) return all;
      before = `&before_seq=${first.seq}`;
    }
  }
}
