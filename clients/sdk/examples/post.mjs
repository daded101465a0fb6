// Posts one message and ends, as a script does that reports something: over REST alone, without a socket.
//
//   PALABRE_URL=http://localhost:8080 PALABRE_PASSWORD='…' node post.mjs kitchen 'The backup is done.'
import { Bot, Refusal, uuid } from '@palabre/sdk';
import { fileStorage } from '@palabre/sdk/node';

const { PALABRE_URL: url = 'http://localhost:8080', PALABRE_PASSWORD: password } = process.env;
const [room, text] = process.argv.slice(2);
if (!password || !room || !text) throw new Error('Usage: PALABRE_PASSWORD=… node post.mjs ROOM TEXT');

// The session is kept, so that not every run logs in.
const reporter = new Bot({ url, storage: fileStorage('post.json') });
await reporter.enter({ username: 'reporter', password });
const { id: conversation } = await reporter.command('room.get', { name: room });
await reporter.command('conversation.join', { conversation });

// The same `client_id` in every try: however often it is sent, it is said once.
const client_id = uuid();
for (let tries = 1; ; tries += 1) {
  try {
    const { seq } = await reporter.command('message.send', { conversation, text, client_id });
    console.log(`said as number ${seq} of ${room}`);
    break;
  } catch (error) {
    if (!(error instanceof Refusal) || !error.passing || tries === 5) throw error;
    await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? 1_000 * tries));
  }
}
