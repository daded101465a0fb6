import type { Request } from 'playwright-core';
import { expect, test } from 'vitest';
import { log, sees } from '../town/look';
import { useTown } from '../town/town';
import type { Visit } from '../town/visit';

const town = useTown();

/** Of script and style, as they come over the wire. */
const ROOM_BYTES = 90_000;

/** Records what a page loads from now on. */
function watchLoading({ context }: Visit) {
  const requests: Request[] = [];
  context.on('requestfinished', (request) => {
    if (['script', 'stylesheet'].includes(request.resourceType())) requests.push(request);
  });
  return {
    names: () => requests.map((request) => new URL(request.url()).pathname),
    sizes: () =>
      Promise.all(
        requests.map(async (request) => ({
          name: new URL(request.url()).pathname,
          bytes: (await request.sizes()).responseBodySize,
          encoding: (await (await request.response())?.allHeaders())?.['content-encoding'] ?? 'none',
        })),
      ),
  };
}

test('the screen of a room weighs 90 kB at most, and nothing is loaded before it is used', async () => {
  const ann = await town().administrator('ann');
  const room = await ann.makeRoom('Scales');
  await ann.sayAll(room, ['one', 'two', 'three 🎉', 'https://example.org/']);
  await ann.react(room, 2, '👍');
  const visit = await town()
    .visit(ann, '/docs-that-are-not-there')
    .catch(() => null);
  if (!visit) throw new Error('no browser');
  visit.expects(/Failed to load resource.*404/);
  const loading = watchLoading(visit);
  const { page } = visit;
  await visit.goto(`/c/${room.id}`);
  await sees(log(page).getByRole('article'));
  await page.waitForTimeout(1_000);

  const parts = await loading.sizes();
  const total = parts.reduce((sum, part) => sum + part.bytes, 0);
  for (const { name, bytes, encoding } of parts) console.info(`${bytes} ${encoding} ${name}`);
  console.info(`room screen: ${total} bytes of script and style`);
  for (const part of parts.filter(({ bytes }) => bytes > 300)) expect(part.encoding, part.name).toBe('br');
  expect(parts.length).toBeGreaterThan(1);
  expect(total).toBeLessThanOrEqual(ROOM_BYTES);

  const steps: readonly (readonly [string, () => Promise<void>])[] = [
    ['emoji', () => page.getByRole('button', { name: 'Emoji' }).click()],
    ['settings', () => page.goto(`${visit.home}/settings`).then(() => {})],
    ['administration', () => page.goto(`${visit.home}/admin`).then(() => {})],
  ];
  const known = new Set(loading.names());
  for (const [what, open] of steps) {
    await open();
    await expect
      .poll(() => loading.names().filter((name) => !known.has(name)).length, {
        message: `${what} was loaded before`,
      })
      .toBeGreaterThan(0);
    await page.waitForTimeout(500);
    for (const name of loading.names()) known.add(name);
  }
});
