import type { Message } from '@palabre/sdk';
import type { Doing } from './doing';

/** The row of the timeline that something lies in. */
export function rowAt(target: EventTarget | null): HTMLElement | null {
  return (target as Element | null)?.closest?.<HTMLElement>('[data-key]') ?? null;
}

/** Moves the focus to the next message up or down; from outside of all, to the last. Whether it could. */
export function moveFocus(log: HTMLElement, from: HTMLElement | null, up: boolean): boolean {
  const all = [...log.querySelectorAll<HTMLElement>('[data-key]')];
  const now = from ? all.indexOf(from) : all.length;
  const next = all[now + (up ? -1 : 1)];
  if (!next) return false;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
  return true;
}

/** The action of a key on the message that has the focus; undefined if it has none. */
export function actOf(key: string, message: Message, own: boolean, doing: Doing, row: HTMLElement) {
  switch (key) {
    case 'r':
      return () => doing.reply(message);
    case 't':
      return doing.thread ? () => doing.thread?.(message) : undefined;
    case '+':
      return () => doing.pick(message, row);
    case 'u':
      return () => void import('../quiet/acts').then((acts) => acts.markUnread(message));
    case 'e':
      return own ? () => doing.edit(message) : undefined;
    case 'Delete':
      return own ? () => doing.remove(message) : undefined;
    default:
      return undefined;
  }
}

/** Where a key is not the composer's. What is typed in a panel may be meant for another place than the room. */
const NOT_FOR_COMPOSER = 'input, textarea, select, dialog, [popover], [role="article"], aside';

/** Whether a key writes a character that no field, menu or message is there to take: it belongs to the composer. */
export function isForComposer({ target, key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || key.length !== 1 || key === ' ') return false;
  return !(target as Element).closest(NOT_FOR_COMPOSER) && !isDarkened();
}

/** Whether a panel lies over the page: nobody writes into what they cannot see. */
function isDarkened(): boolean {
  return [...document.querySelectorAll('.scrim')].some((scrim) => scrim.checkVisibility());
}

/** A key on the timeline: moves from message to message, or acts on the one with the focus. */
export function onLog(event: KeyboardEvent, messages: readonly Message[], me: number, doing: Doing): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const focused = rowAt(event.target);
  if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
    if (moveFocus(event.currentTarget as HTMLElement, focused, event.key === 'ArrowUp'))
      event.preventDefault();
    return;
  }
  // A key on a button inside of the row belongs to the button.
  const message = messages.find((one) => String(one.seq) === focused?.dataset['seq']);
  if (!focused || event.target !== focused || !message || message.text === null) return;
  const act = actOf(event.key, message, message.author.id === me, doing, focused);
  if (!act) return;
  event.preventDefault();
  act();
}
