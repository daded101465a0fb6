// Conversations, messages and events, made up.
import { empty, reduce, type Input, type Reduced, type State } from '../../src/state/index.js';
import type { Account, Authenticated, Conversation, History, Member, Message } from '../../src/wire.js';

export const ME = 1;
export const AT = '2026-01-01T12:00:00.000Z';

export function message(seq: number, change: Partial<Message> = {}): Message {
  return {
    id: seq,
    conversation: 1,
    seq,
    rev: seq,
    author: { id: 2, username: 'bob' },
    client_id: null,
    message_type: 'text',
    text: `text ${seq}`,
    parent: null,
    created_at: AT,
    edited_at: null,
    deleted_at: null,
    reactions: [],
    ...change,
  };
}

export function deleted(seq: number, rev: number): Message {
  return message(seq, { rev, text: null, deleted_at: AT });
}

export function conversation(head: number, change: Partial<Conversation> = {}): Conversation {
  return {
    id: 1,
    kind: 'room',
    visibility: 'public',
    name: 'kitchen',
    topic: null,
    created_by: 2,
    created_at: AT,
    head,
    rev: 1,
    member_count: 2,
    role: 'member',
    read_seq: 0,
    unread: 0,
    last_message: null,
    peer: null,
    ...change,
  };
}

export function member(id: number, rev: number, role: Member['role'] = 'member'): Member {
  return { user: { id, username: `person${id}` }, role, rev, joined_at: AT };
}

export function history(messages: readonly Message[], head: number, before = false, after = false): History {
  return { messages, head, has_more_before: before, has_more_after: after };
}

const account = { id: ME, username: 'ann', role: 'user' } as Account;

export function authenticated(heads: readonly (readonly [number, number])[], epoch = 'e'): Authenticated {
  const conversations = heads.map(([id, head]) => ({ id, head }));
  const limits = { typing_ms: 6000 } as Authenticated['limits'];
  return { user: account, session: 1, epoch, feature_level: 2, ping_seconds: 25, limits, conversations };
}

/** A state, step by step, with what each step asked for. */
export class Story {
  state: State = empty;
  wants: Reduced['wants'] = [];
  news: Reduced['news'] = [];

  constructor(readonly windowSize = 300) {}

  /** Ann is in the kitchen, which is at `head`. */
  static at(head: number, change: Partial<Conversation> = {}, windowSize = 300): Story {
    const story = new Story(windowSize);
    story.take({ type: 'authenticated', data: authenticated([[1, head]]), sent: {} });
    return story.take({ type: 'rows', rows: [conversation(head, change)], shown: true });
  }

  take(...inputs: Input[]): this {
    for (const input of inputs) {
      const reduced = reduce(this.state, input, { windowSize: this.windowSize });
      this.state = reduced.state;
      this.wants = reduced.wants;
      this.news = reduced.news;
    }
    return this;
  }

  /** An event of the kitchen; its number is the message's rev unless it is given. */
  hear(type: 'message.created' | 'message.edited' | 'message.deleted', data: Message): this {
    return this.take({ type: 'frame', frame: { type, conversation: 1, seq: data.rev, data }, now: 0 });
  }

  /** Opens the timeline with this page. */
  open(page: History): this {
    const [conversation, reading, where] = [1, 1, 'newest' as const];
    this.take({ type: 'opened', conversation }, { type: 'reading', conversation, reading, where });
    return this.take({ type: 'page', conversation, reading, read: { where, beside: null, page } });
  }

  get it() {
    const found = this.state.conversations.get(1);
    if (!found) throw new Error('the kitchen is not known');
    return found;
  }

  get seqs(): number[] {
    return this.it.timeline?.messages.map(({ seq }) => seq) ?? [];
  }
}
