// Says again what it is asked to: `!echo hello`. It misses nothing, also while it does not run: its session, what it has
// not sent yet and how far it has heard are in echo-bot.json.
//
//   PALABRE_URL=http://localhost:8080 PALABRE_PASSWORD='…' node echo-bot.mjs kitchen
import { Bot } from '@palabre/sdk';
import { fileStorage } from '@palabre/sdk/node';

const { PALABRE_URL: url = 'http://localhost:8080', PALABRE_PASSWORD: password } = process.env;
const [room] = process.argv.slice(2);
if (!password || !room) throw new Error('Usage: PALABRE_PASSWORD=… node echo-bot.mjs ROOM');

// Node 22 and later have one; for Node 20, `npm install ws`.
const WebSocket = globalThis.WebSocket ?? (await import('ws')).WebSocket;

const bot = new Bot({ url, WebSocket, storage: fileStorage('echo-bot.json') });
await bot.enter({ username: 'echo', password });
const messages = bot.messages();
bot.connect();
// On its very first run it hears what is said from here on.
await bot.ready();

const { id } = await bot.command('room.get', { name: room });
await bot.command('conversation.join', { conversation: id });
console.log(`listening in ${room}`);

process.once('SIGINT', () => bot.dispose());
for await (const message of messages) {
  if (!message.text?.startsWith('!echo ')) continue;
  const answer = bot.send(message.conversation, message.text.slice('!echo '.length), {
    parent: message.seq,
    // If the bot dies here, it hears the message again; the answer is not said twice.
    clientId: `echo-${message.id}`,
  });
  // An error must not end the bot: it would hear the same message on its next run, and end again.
  await bot.delivered(answer).catch((error) => console.error(`not answered: ${error.message}`));
}
