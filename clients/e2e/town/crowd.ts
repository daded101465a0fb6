// People who are online without anybody looking at their screens: one page holds all their sockets.
import type { Person } from './person';
import type { Town } from './town';

/** Lets them be online until everybody goes home. */
export async function comeOnline(town: Town, people: readonly Person[]): Promise<void> {
  const { page } = await town.visit(null, '/login');
  await page.evaluate(
    (tokens) =>
      Promise.all(
        tokens.map(
          (token) =>
            new Promise<void>((resolve, reject) => {
              const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/ws`, 'palabre.v1');
              socket.onopen = () =>
                socket.send(JSON.stringify({ id: '1', type: 'authenticate', data: { token } }));
              socket.onmessage = () => resolve();
              socket.onclose = () => reject(new Error('closed'));
            }),
        ),
      ),
    people.map((one) => one.tokens.access_token),
  );
}
