// The server's clock cannot be turned back; what a browser hears of the past can.
import type { BrowserContext } from 'playwright-core';

/** When a message was said, in minutes before now, by its conversation and number; undefined: leave it. */
export type MinutesAgo = (conversation: number, seq: number) => number | undefined;

/** Conversations are older than what is said in them. */
const A_WEEK = 7 * 86_400_000;

/** Makes a browser believe that messages were said when the given function has it. Call it before the page opens. */
export async function backdate(context: BrowserContext, minutesAgo: MinutesAgo): Promise<void> {
  const now = Date.now();
  const turnBack = (_key: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const { conversation, seq, created_at, kind } = value as Record<string, unknown>;
    if (typeof kind === 'string') return { ...value, created_at: new Date(now - A_WEEK).toISOString() };
    if (typeof conversation !== 'number' || typeof seq !== 'number' || typeof created_at !== 'string')
      return value;
    const ago = minutesAgo(conversation, seq);
    return ago === undefined ? value : { ...value, created_at: new Date(now - ago * 60_000).toISOString() };
  };
  await context.routeWebSocket(/\/v1\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) =>
      socket.send(typeof frame === 'string' ? JSON.stringify(JSON.parse(frame, turnBack)) : frame),
    );
  });
}
