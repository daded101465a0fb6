// A frame of the wire, as the inspector shows it.
import type { WireFrame } from '@palabre/sdk';
import type { Command } from './copy';

/** Which of the two test people. */
export type Who = 'ada' | 'bob';

/** A frame's JSON, as far as the inspector looks into it. */
export interface Spoken {
  readonly id?: unknown;
  readonly re?: unknown;
  readonly type: string;
  readonly conversation?: unknown;
  readonly data?: unknown;
  readonly error?: unknown;
}

export interface Frame {
  readonly key: number;
  readonly who: Who;
  readonly direction: 'in' | 'out';
  readonly at: number;
  readonly text: string;
  /** Bytes, without the secrets. */
  readonly size: number;
  readonly type: string;
  /** Null if it cannot be read. */
  readonly frame: Spoken | null;
  /** The id of a command, and of the command that it answers. */
  readonly ref: string | null;
  readonly refused: boolean;
  /** Whether it belongs to a catch-up. */
  readonly back: boolean;
}

/** Stands for a frame that cannot be read. */
const UNREADABLE = '?';
/** Stands for a secret; the SDK has replaced most of them already. */
const MASK = '…';
const TOKEN = /eyJ[\w-]{8,}(?:\.[\w-]+)*/g;
const encoder = new TextEncoder();
let last = 0;

/** Describes a frame that was sent or received. */
export function look(who: Who, { direction, text, at }: WireFrame): Frame {
  const shown = text.replaceAll(TOKEN, `eyJ${MASK}`);
  const frame = spoken(shown);
  const ref = frame?.id ?? frame?.re;
  return {
    key: ++last,
    who,
    direction,
    at,
    text: shown,
    size: encoder.encode(text).length,
    type: frame?.type ?? UNREADABLE,
    frame,
    ref: typeof ref === 'string' ? ref : null,
    refused: frame?.type === 'error',
    back: frame !== null && isBack(frame),
  };
}

function spoken(text: string): Spoken | null {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || !('type' in value)) return null;
  return typeof value.type === 'string' ? (value as Spoken) : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** With cursors somebody comes back, without any somebody comes for the first time. */
function isBack({ type, re, data }: Spoken): boolean {
  if (type === 'conversation.changes') return re === undefined;
  if (type !== 'authenticate') return false;
  return Object.keys((data as { cursors?: object } | null)?.cursors ?? {}).length > 0;
}

/** The JSON with line breaks. */
export function pretty(frame: Frame): string {
  return frame.frame ? JSON.stringify(frame.frame, null, 2) : frame.text;
}

/** Whether somebody else than the SDK can give it: the token is not known any more. */
export function isForConsole({ type }: Command): boolean {
  return type !== 'authenticate';
}

/** The command that a frame gives, without its id: that is the connection's. */
export function commandOf({ direction, frame }: Frame): Command | null {
  return direction === 'out' && frame ? { type: frame.type, data: fields(frame.data) } : null;
}

/** Reads a command that somebody has written; null if it is none. */
export function readCommand(text: string): Command | null {
  const frame = spoken(text);
  return frame && { type: frame.type, data: fields(frame.data) };
}

function fields(data: unknown): Command['data'] {
  return typeof data === 'object' && data !== null ? (data as Command['data']) : {};
}

/** A command as one writes it: its type and its data. */
export function written({ type, data }: Command): string {
  const fields = Object.entries(data).map(
    ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  return `{"type": ${JSON.stringify(type)},\n "data": {${fields.join(', ')}}}`;
}
