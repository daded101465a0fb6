import type { Conversation } from '@palabre/sdk';
import type { Page } from 'playwright-core';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { becomes, composer, conversations, log, message, say, sees, seesNot, texts } from '../town/look';
import type { Person } from '../town/person';
import { freePort } from '../town/server';
import { useTown } from '../town/town';
import type { Visit } from '../town/visit';

const near = await freePort();
const town = useTown({
  'server.shutdown_seconds': 2,
  'server.allowed_origins': `http://127.0.0.1:${near}`,
  'limits.message_length': 4_000,
});

/** Lines that browsers write to their console while a server is not there. */
const AWAY = [/WebSocket connection to .* failed/, /Failed to load resource: (net::ERR|.*status of 503)/];

const NO_CONNECTION = /^No connection\. What you write is kept/;

interface Talk {
  readonly people: readonly [Person, Person];
  readonly visits: readonly [Visit, Visit];
  readonly room: Conversation;
}

/** Two people in a room, the first behind a cable if there is one. */
async function talk(names: readonly [string, string], through?: string): Promise<Talk> {
  const [one, other] = [await town().person(names[0]), await town().person(names[1])] as const;
  const room = await other.makeRoom(`${names.join(' and ')}'s room`);
  await one.join(room);
  const path = `/c/${room.id}`;
  const first = await town().visit(one, through === undefined ? { path } : { path, through });
  const second = await town().visit(other, { path });
  for (const visit of [first, second]) {
    visit.expects(...AWAY);
    await sees(composer(visit.page));
    await sees(log(visit.page).getByText('No messages yet.'));
  }
  return { people: [one, other], visits: [first, second], room };
}

/** Both screens show what the server keeps: all that was said, in one order, each thing once. */
async function agree({ people, visits, room }: Talk, said: readonly string[]): Promise<void> {
  for (const { page } of visits) {
    await expect
      .poll(() => page.getByText(/(Sending|Waiting for the connection)…/).count(), { timeout: 45_000 })
      .toBe(0);
  }
  const kept = (await people[1].history(room)).map((one) => one.text);
  expect(kept.toSorted(), 'what the server keeps is what was said').toEqual(said.toSorted());
  for (const { page } of visits) await becomes(() => texts(page), kept as string[], 45_000);
}

/** Writes five times a second, until told to stop; what was written. */
async function chatter(page: Page, name: string, until: (said: number) => boolean): Promise<string[]> {
  const said: string[] = [];
  while (!until(said.length)) {
    const text = `${name} ${said.length}`;
    await say(page, text);
    said.push(text);
    await sleep(200);
  }
  return said;
}

test('one loses the network while both write: afterwards both see the same', async () => {
  const cable = await town().cable(near);
  const here = await talk(['ann', 'bob'], cable.url);
  const [ann, bob] = [here.visits[0].page, here.visits[1].page];
  await say(ann, 'Can you hear me?');
  await sees(message(bob, 'Can you hear me?'));

  cable.cut();
  await here.visits[0].context.setOffline(true);
  await say(ann, 'Hello?');
  await say(ann, 'Anybody?');
  await say(bob, 'I hear you');
  await say(bob, 'Ann?');
  await sees(ann.getByText(NO_CONNECTION));
  await becomes(() => message(ann, 'Hello?').getByText('Waiting for the connection…').count(), 1);
  await becomes(() => message(ann, 'Anybody?').getByText('Waiting for the connection…').count(), 1);
  expect(await message(ann, 'I hear you').count()).toBe(0);
  // Waiting messages survive a page that is closed by mistake.
  cable.mend();
  await here.visits[0].context.setOffline(false);
  await seesNot(ann.getByText(NO_CONNECTION));
  await agree(here, ['Can you hear me?', 'Hello?', 'Anybody?', 'I hear you', 'Ann?']);
});

test('a cable that is cut again and again under load loses and doubles nothing', async () => {
  const cable = await town().cable(near);
  const here = await talk(['cid', 'dot'], cable.url);
  let over = false;
  const writing = here.visits.map(({ page }, at) => chatter(page, at === 0 ? 'cid' : 'dot', () => over));
  for (const pause of [700, 900, 1_300]) {
    await sleep(pause);
    cable.cut();
    await sleep(600);
    cable.mend();
    await sleep(1_500);
  }
  over = true;
  await agree(here, (await Promise.all(writing)).flat());
});

test('a message that waits is sent after the page was reloaded', async () => {
  const here = await talk(['eli', 'fee']);
  const [eli, fee] = [here.visits[0].page, here.visits[1].page];
  await town().server.kill();
  await say(eli, 'Written in the dark');
  await sees(message(eli, 'Written in the dark').getByText('Waiting for the connection…'));
  await town().server.start();
  await eli.reload();
  await sees(message(fee, 'Written in the dark'));
  await agree(here, ['Written in the dark']);
});

for (const [how, end] of [
  ['falls', () => town().server.kill()],
  ['is restarted', () => town().server.stop()],
] as const) {
  test(`the server ${how} twice under load: everything arrives once, and both see the same`, async () => {
    const here = await talk(how === 'falls' ? ['gil', 'hub'] : ['ivo', 'joy']);
    let over = false;
    const writing = here.visits.map(({ page }, at) =>
      chatter(page, at === 0 ? 'one' : 'two', (said) => over && said > 40),
    );
    for (let time = 0; time < 2; time += 1) {
      await sleep(4_000);
      await end();
      await sleep(2_000);
      await town().server.start();
    }
    await sleep(6_000);
    over = true;
    const said = (await Promise.all(writing)).flat();
    await agree(here, said);
  });
}

test('a message that is refused stays, says so, and is tried again or discarded', async () => {
  const here = await talk(['kim', 'leo']);
  const { page } = here.visits[0];
  await town().server.kill();
  const long = `Too long ${'x'.repeat(3_000)}`;
  await say(page, long);
  await say(page, 'Short enough');
  await town().server.start({ 'limits.message_length': 2_000 });

  const failed = message(page, 'Too long').getByRole('alert');
  await failed.waitFor({ timeout: 30_000 });
  // The words for reasons are loaded when the first is needed.
  await sees(failed.getByText('Not sent. That is not valid.'));
  await sees(message(here.visits[1].page, 'Short enough'));
  // It stays through a reload, and is not sent on its own.
  await page.reload();
  await sees(failed);
  await failed.getByRole('button', { name: 'Try again' }).click();
  await sees(failed.getByText('Not sent.'));
  await failed.getByRole('button', { name: 'Discard' }).click();
  await seesNot(message(page, 'Too long'));
  await agree(here, ['Short enough']);
  await town().server.kill();
  await town().server.start({ 'limits.message_length': 4_000 });
});

test('who was removed while away learns it, and is not left with a dead conversation', async () => {
  const cable = await town().cable(near);
  const here = await talk(['mia', 'ned'], cable.url);
  const { page } = here.visits[0];
  await say(page, 'Before');
  await sees(message(here.visits[1].page, 'Before'));
  cable.cut();
  await sees(page.getByText(NO_CONNECTION));
  await say(page, 'Never to arrive');
  await here.people[1].remove(here.room, here.people[0]);
  const listed = conversations(page).getByRole('link', { name: /'s room / });
  await sees(listed);
  cable.mend();
  // It may just have begun its longest wait for the next try.
  await page.getByRole('heading', { name: 'Welcome, mia' }).waitFor({ timeout: 40_000 });
  await seesNot(listed);
  await sees(page.getByText('Not sent, because you are no longer in that conversation: “Never to arrive”'));
  expect((await here.people[1].history(here.room)).map((one) => one.text)).toEqual(['Before']);
});
