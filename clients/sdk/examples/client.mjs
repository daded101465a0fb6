// A small client for the terminal: shows the end of a room's history and what is said from then on, and says each line
// that is typed.
//
//   PALABRE_URL=http://localhost:8080 PALABRE_USERNAME=ann PALABRE_PASSWORD='…' node client.mjs kitchen
import { createInterface } from 'node:readline';
import { Client } from '@palabre/sdk';

const { PALABRE_URL: url = 'http://localhost:8080', PALABRE_USERNAME: username } = process.env;
const { PALABRE_PASSWORD: password } = process.env;
const [room] = process.argv.slice(2);
if (!username || !password || !room)
  throw new Error('Usage: PALABRE_USERNAME=… PALABRE_PASSWORD=… node client.mjs ROOM');

// Node 22 and later have one; for Node 20, `npm install ws`.
const WebSocket = globalThis.WebSocket ?? (await import('ws')).WebSocket;

const client = new Client({ url, WebSocket });
await client.logIn({ username, password });
client.connect();
const { id } = await client.command('room.get', { name: room });
await client.command('conversation.join', { conversation: id });
await client.open(id);

// The timeline is a window on the history without gaps, whatever happens to the line: what is new in it is shown.
let shown = 0;
function show({ conversations }) {
  for (const message of conversations.get(id)?.timeline?.messages ?? []) {
    if (message.seq <= shown) continue;
    shown = message.seq;
    console.log(`${client.shownName(message.author)}: ${message.text ?? '(deleted)'}`);
  }
}
show(client.state);
client.subscribe((state, before) => {
  show(state);
  if (state.line !== before.line) console.error(`[${state.line}]`);
});

const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  if (line.trim() === '') continue;
  // What is typed without a line waits in the outbox.
  client.delivered(client.send(id, line)).catch((error) => console.error(`not sent: ${error.message}`));
}
// The input has ended: what was typed last is still to be sent.
const pending = [...client.state.outbox.values()].flat().filter(({ state }) => state !== 'failed');
await Promise.allSettled(pending.map(({ clientId }) => client.delivered(clientId)));
client.dispose();
