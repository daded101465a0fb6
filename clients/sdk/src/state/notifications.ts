// The person's notification settings, and whether a message notifies them: by the rules of the server, in the same
// order (`docs/features/notifications.md`).
import { UNSPACED } from '../text/characters.js';
import { mentions } from '../text.js';
import { isForMe } from './mentions.js';
import type { Account, Conversation, ConversationSettings, Message, Notifications } from '../wire.js';
import { only, withInner, type ConversationState, type Reduced, type Reducers, type State } from './state.js';
import { put } from './put.js';
import { isInRoom, threadKey } from './threads.js';

export type NotificationLevel = Notifications['rooms'];
type QuietHours = NonNullable<Notifications['quiet_hours']>;

/** The end of a mute that has none. */
export const FOREVER = '9999-12-31T23:59:59Z';

/** The settings of whoever has set none. */
export const usual: ConversationSettings = { level: null, muted_until: null, unread_from: null };

export const events: Reducers<'notifications.changed' | 'conversation.settings'> = {
  'notifications.changed': (state, { data }) => only(takeNotifications(state, data)),
  'conversation.settings': (state, { conversation, data }) => takeSettings(state, conversation, data),
};

/** Takes the settings for all conversations, unless later ones are known. */
export function takeNotifications(state: State, notifications: Notifications): State {
  const known = state.notifications?.rev ?? -1;
  return notifications.rev < known ? state : { ...state, notifications };
}

function takeSettings(state: State, conversation: number, settings: ConversationSettings): Reduced {
  const known = state.conversations.get(conversation);
  if (!known) return only(state);
  // How much is unread from the mark on, only the server knows.
  const next = withSettings(known, settings);
  return { ...only(put(state, next)), wants: [{ type: 'row', conversation }] };
}

/** A server before feature level 7 has no settings. */
export function settingsOf(row: Conversation): ConversationSettings {
  return (row as Partial<Conversation>).settings ?? usual;
}

/** Up to where everything is read to the person themself: before the mark, if there is one; else the read marker. */
export function readUpTo(row: Conversation): number {
  const { unread_from: mark } = settingsOf(row);
  return mark === null ? row.read_seq : mark - 1;
}

/** Another mark takes back how far was read; one that moves on while reading goes on takes back nothing. */
export function withSettings(state: ConversationState, settings: ConversationSettings): ConversationState {
  const [before, mark] = [state.settings.unread_from, settings.unread_from];
  const next = { ...state, settings };
  if (before === mark) return next;
  const movesOn = mark === null || (before !== null && mark > before);
  const readSeq = movesOn ? Math.max(state.readSeq, (mark ?? 0) - 1) : mark - 1;
  return withInner({ ...next, readSeq }, { uncounted: true });
}

/** Whether a conversation is muted at this time, in milliseconds since 1970. */
export function isMuted({ settings }: ConversationState, now: number): boolean {
  return settings.muted_until !== null && Date.parse(settings.muted_until) > now;
}

/** Which messages of a conversation notify. */
export function levelIn({ settings, row }: ConversationState, { notifications }: State): NotificationLevel {
  if (settings.level !== null || !notifications) return settings.level ?? 'everything';
  if (row.kind === 'direct') return notifications.directs;
  return row.kind === 'group' ? notifications.groups : notifications.rooms;
}

/** Which messages notify where a message stands: its thread has a level of its own, if it is followed. */
function levelOf(message: Message, known: ConversationState, state: State): NotificationLevel {
  const around = levelIn(known, state);
  const followed = state.followed.get(threadKey(known.id, message.thread ?? 0));
  if (followed || isInRoom(message)) return followed?.level ?? around;
  // Of a thread that is not followed only what is for the person notifies.
  return around === 'everything' ? 'mentions' : around;
}

/** Whether a message notifies the person at this time. */
export function notifies(message: Message, known: ConversationState, state: State, now: number): boolean {
  const { me, notifications } = state;
  if (!me || message.author.id === me.id || message.text === null || message.deleted_at !== null)
    return false;
  if (message.seq <= known.readSeq || isMuted(known, now)) return false;
  const level = levelOf(message, known, state);
  if (level === 'nothing') return false;
  if (level === 'mentions' && !calls(message, me, state)) return false;
  const quiet = notifications?.quiet_hours;
  if (quiet && isQuiet(quiet, now)) return false;
  return state.people.get(me.id)?.presence !== 'busy';
}

/** Whether a message is for the person, or has one of their keywords in it. */
function calls(message: Message, me: Account, { userGroups, notifications }: State): boolean {
  const text = message.text ?? '';
  // Servers before feature level 7 have not looked whom a text names.
  const named =
    (message.mentions as Message['mentions'] | undefined) === undefined
      ? mentions(text, me.username)
      : isForMe(message, { me: me.id, groups: userGroups?.own ?? null });
  return named || (notifications?.keywords ?? []).some((keyword) => hasKeyword(text, keyword));
}

const GLUED = new RegExp(`[${UNSPACED}]`, 'u');
const WORDS = /[\p{L}\p{N}]+/gu;

/** Whether the words of a keyword are in a text one after another, whole, without regard to case and accents. */
export function hasKeyword(text: string, keyword: string): boolean {
  const words = folded(keyword).match(WORDS);
  if (!words) return false;
  const [first, last] = [words[0] ?? '', words.at(-1) ?? ''];
  // Where words are written without spaces between them, others may be grown on to it.
  const before = GLUED.test([...first][0] ?? '') ? '' : '(?<![\\p{L}\\p{N}])';
  const after = GLUED.test([...last].at(-1) ?? '') ? '' : '(?![\\p{L}\\p{N}])';
  return new RegExp(`${before}${words.join('[^\\p{L}\\p{N}]+')}${after}`, 'u').test(folded(text));
}

function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().normalize('NFC');
}

/** Whether a time is within quiet hours. Hours of a zone that this device does not know never hold. */
export function isQuiet(quiet: QuietHours, now: number): boolean {
  const local = localTime(now, quiet.time_zone);
  if (!local) return false;
  const { weekday, time } = local;
  const begins = (day: number) => quiet.days.includes(day);
  if (quiet.from < quiet.to) return begins(weekday) && quiet.from <= time && time < quiet.to;
  return (
    (begins(weekday) && time >= quiet.from) || (begins(weekday === 1 ? 7 : weekday - 1) && time < quiet.to)
  );
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function localTime(now: number, timeZone: string): { weekday: number; time: string } | null {
  try {
    const form = {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    } as const;
    const parts = new Intl.DateTimeFormat('en-US', form).formatToParts(now);
    const part = (type: string) => parts.find((it) => it.type === type)?.value ?? '';
    return { weekday: DAYS.indexOf(part('weekday')) + 1, time: `${part('hour')}:${part('minute')}` };
  } catch {
    return null;
  }
}
