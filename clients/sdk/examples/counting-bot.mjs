// Counts what everybody says, each message exactly once: how far it has heard is kept together with the counts, in one
// file that is replaced as a whole. With a database, write both in one transaction.
//
//   PALABRE_URL=http://localhost:8080 PALABRE_PASSWORD='…' node counting-bot.mjs
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Bot } from '@palabre/sdk';

const FILE = 'counting-bot.json';
const { PALABRE_URL: url = 'http://localhost:8080', PALABRE_PASSWORD: password } = process.env;
if (!password) throw new Error('Usage: PALABRE_PASSWORD=… node counting-bot.mjs');

// Node 22 and later have one; for Node 20, `npm install ws`.
const WebSocket = globalThis.WebSocket ?? (await import('ws')).WebSocket;

const { position = null, counts = {} } = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};

function save() {
  writeFileSync(`${FILE}.new`, JSON.stringify({ position: followed.position(), counts }));
  renameSync(`${FILE}.new`, FILE);
}

const bot = new Bot({ url, WebSocket });
await bot.enter({ username: 'counter', password });
// `keep: false`: the position is in our file, and nowhere else.
const followed = bot.follow({ from: position, keep: false });
bot.connect();
await bot.ready();
console.log('counting');
process.once('SIGINT', () => bot.dispose());

for await (const it of followed) {
  // It is an account's event where somebody brought it into a conversation.
  if (it.type === 'account') {
    if (it.event.type === 'conversation.added')
      console.log(`now in ${it.event.data.name ?? it.event.conversation}`);
  } else {
    const { username } = it.message.author;
    counts[username] = (counts[username] ?? 0) + 1;
    console.log(`${username}: ${counts[username]}`);
  }
  save();
}
