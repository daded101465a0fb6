// Conversations, messages and events, made up.
import {
  empty,
  reduce,
  type Cursors,
  type Input,
  type Position,
  type Reduced,
  type State,
} from '../../src/state/index.js';
import type {
  Account,
  Authenticated,
  Conversation,
  Draft,
  EventFrame,
  History,
  Member,
  Message,
} from '../../src/wire.js';

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
    thread: null,
    also_in_room: false,
    summary: null,
    created_at: AT,
    edited_at: null,
    deleted_at: null,
    files: [],
    reactions: [],
    mentions: null,
    preview: null,
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
    avatar: null,
    created_by: 2,
    created_at: AT,
    head,
    rev: 1,
    member_count: 2,
    edit_history: false,
    previews: false,
    role: 'member',
    read_seq: 0,
    unread: 0,
    unread_for_me: 0,
    settings: { level: null, muted_until: null, unread_from: null },
    last_message: null,
    room: null,
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

export function authenticated(
  heads: readonly (readonly [number, number])[],
  epoch = 'e',
  account_seq?: number,
): Authenticated {
  const conversations = heads.map(([id, head]) => ({ id, head }));
  const limits = { typing_ms: 6000 } as Authenticated['limits'];
  const greeting: Omit<Authenticated, 'account_seq'> = {
    user: account,
    session: 1,
    epoch,
    feature_level: 2,
    ping_seconds: 25,
    limits,
    conversations,
  };
  // A server before feature level 5 leaves the number out.
  return account_seq === undefined
    ? (greeting as Authenticated)
    : { ...greeting, feature_level: 5, account_seq };
}

/** Where somebody comes back from who has these cursors. */
export function at(cursors: Cursors, accountSeq: number | null = null): Position {
  return { cursors, epoch: 'e', accountSeq, serverLevel: 0 };
}

/** A draft of the kitchen. */
export function draft(rev: number, text: string, change: Partial<Draft> = {}): Draft {
  return { conversation: 1, edit: null, thread: null, text, parent: null, rev, saved_at: AT, ...change };
}

/** A state, step by step, with what each step asked for. */
export class Story {
  state: State = empty;
  wants: Reduced['wants'] = [];
  news: Reduced['news'] = [];
  /** All that the person was told of. */
  notices: NonNullable<Reduced['notices']> = [];

  constructor(readonly windowSize = 300) {}

  /** Ann is in the kitchen, which is at `head`. */
  static at(head: number, change: Partial<Conversation> = {}, windowSize = 300): Story {
    const story = new Story(windowSize);
    story.take({ type: 'authenticated', data: authenticated([[1, head]]), sent: at({}) });
    return story.take({ type: 'rows', rows: [conversation(head, change)], shown: true });
  }

  take(...inputs: Input[]): this {
    for (const input of inputs) {
      const reduced = reduce(this.state, input, { windowSize: this.windowSize });
      this.state = reduced.state;
      this.wants = reduced.wants;
      this.news = reduced.news;
      this.notices = [...this.notices, ...(reduced.notices ?? [])];
    }
    return this;
  }

  /** An event of the kitchen; its number is the message's rev unless it is given. */
  hear(
    type: 'message.created' | 'message.edited' | 'message.deleted' | 'message.previewed',
    data: Message,
  ): this {
    return this.take({ type: 'frame', frame: { type, conversation: 1, seq: data.rev, data }, now: 0 });
  }

  /** An event of one's own account; `after` is the number that it follows, if not the one before. */
  own(frame: object, account_seq: number, after?: number): this {
    const numbers = after === undefined ? { account_seq } : { account_seq, account_after: after };
    return this.take({ type: 'frame', frame: { ...frame, ...numbers } as EventFrame, now: 0 });
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
