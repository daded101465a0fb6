// The pictures of the documents: `npm run screenshots -w e2e` writes them to docs/images.
import type { History } from '@palabre/sdk';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { settle, type BelievableTown } from './town/believable';
import { comeOnline } from './town/crowd';
import { lively } from './town/lively';
import { dialog, log, message, sees, seesNot } from './town/look';
import { painted } from './town/painted';
import type { Person } from './town/person';
import { backdate } from './town/times';
import { useTown } from './town/town';
import type { Visit, VisitOptions } from './town/visit';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const DESKTOP = { width: 1280, height: 800 };
const TABLET = { width: 820, height: 1180 };
const PHONE = { width: 390, height: 844 };

const town = useTown({ 'server.environment': 'development', 'limits.typing_ms': 60_000 });

async function shoot({ page }: Visit, name: string): Promise<void> {
  // Nothing is half shown, and the pointer rests nowhere.
  await page.mouse.move(0, 0);
  await page.waitForTimeout(600);
  await page.screenshot({ path: `${IMAGES}${name}.png`, animations: 'disabled', caret: 'hide' });
}

/** What is said about the boards, apart from the room; the number of the message that it is about. */
async function boardsThread({ garden, people }: BelievableTown): Promise<number> {
  const messages = `/v1/conversations/${garden.id}/messages`;
  const { messages: all } = await people.ines.do<History>('GET', messages);
  const root = all.find(({ text }) => text?.startsWith('I have larch boards'));
  if (!root) throw new Error('nobody has said anything of boards');
  for (const [who, text] of [
    [people.tom, 'How long are they? The north bed is three metres.'],
    [people.jonas, 'Three twenty. I bring the saw.'],
    [people.sofia, 'Then I will be there, too.'],
  ] as const)
    await who.do('POST', messages, { text, thread: root.seq });
  await people.ines.do('PUT', `/v1/conversations/${garden.id}/threads/${root.seq}`, { follows: true });
  return root.seq;
}

test('pictures', async () => {
  mkdirSync(IMAGES, { recursive: true });
  const here: BelievableTown = await settle(town());
  const { ines, tom, grace, amelie, malik, sofia, yuki } = here.people;
  await comeOnline(town(), [tom, grace, amelie, malik, sofia, yuki]);
  await amelie.setPresence('busy');
  await sofia.setPresence('away');

  const look = (who: Person | null, path: string, options: VisitOptions = {}) =>
    town().visit(who, {
      path,
      viewport: DESKTOP,
      colorScheme: 'light',
      arrange: (context) => backdate(context, here.minutesAgo),
      ...options,
    });
  const inGarden = `/c/${here.garden.id}`;
  const talk = async (name: string, options: VisitOptions) => {
    const visit = await look(ines, inGarden, options);
    await sees(log(visit.page).getByText('See you at the gate!'));
    await grace.type(here.garden, true);
    await sees(visit.page.getByText('Grace Okafor is typing…'));
    await shoot(visit, name);
    await visit.close();
  };
  const details = { 'palabre.details': 'open' };
  await talk('room-light', { kept: details });
  await talk('room-dark', { kept: details, colorScheme: 'dark' });
  await talk('phone-light', { viewport: PHONE, isMobile: true, hasTouch: true });
  await talk('phone-dark', { viewport: PHONE, isMobile: true, hasTouch: true, colorScheme: 'dark' });
  await talk('tablet', { viewport: TABLET });

  const thread = await boardsThread(here);
  const beside = async (name: string, options: VisitOptions) => {
    const visit = await look(ines, `${inGarden}/t/${thread}`, options);
    await sees(visit.page.getByRole('log', { name: 'Replies' }).getByText('Then I will be there, too.'));
    await shoot(visit, name);
    await visit.close();
  };
  await beside('thread', {});
  await beside('phone-thread', { viewport: PHONE, isMobile: true, hasTouch: true, colorScheme: 'dark' });

  const level = await look(ines, `${inGarden}/t/${thread}`);
  await sees(level.page.getByRole('log', { name: 'Replies' }).getByText('Then I will be there, too.'));
  await level.page.getByRole('button', { name: 'Notifications of this thread' }).click();
  await sees(level.page.getByRole('menuitemradio', { name: 'As in the conversation' }));
  await shoot(level, 'thread-level');
  await level.close();

  const activity = await look(ines, '/activity');
  await sees(activity.page.getByRole('main').getByRole('listitem').first());
  await shoot(activity, 'activity');
  await activity.close();

  const list = await look(ines, '/', { viewport: PHONE, isMobile: true, hasTouch: true });
  await sees(list.page.getByRole('link', { name: /Reading circle/ }));
  await shoot(list, 'phone-list');

  for (const [name, who, path, heading] of [
    ['welcome', ines, '/', 'Welcome, Inès Moreau'],
    ['register', null, '/register', 'Create an account'],
    ['discover', ines, '/discover', 'Reading circle'],
    ['settings', ines, '/settings/profile', 'Profile'],
    ['admin-people', ines, '/admin/people', 'People'],
  ] as const) {
    const visit = await look(who, path);
    await sees(visit.page.getByRole('heading', { name: heading }));
    await visit.page.waitForLoadState('networkidle').catch(() => {});
    await shoot(visit, name);
    await visit.close();
  }

  const create = await look(ines, inGarden);
  await create.page.getByRole('button', { name: 'New conversation' }).first().click();
  await sees(dialog(create.page).getByText('Malik Diallo'));
  await shoot(create, 'create');
  await create.close();

  const statistics = await look(ines, '/admin/statistics');
  await sees(statistics.page.getByRole('img', { name: /Messages per second/ }));
  for (let burst = 0; burst < 24; burst += 1) {
    await tom.sayAll(
      here.lobby,
      Array.from({ length: Math.round(6 + 5 * Math.sin(burst / 3)) }, () => 'Testing, testing'),
    );
    await statistics.page.waitForTimeout(2_000);
  }
  await shoot(statistics, 'admin-statistics');
  await statistics.close();

  const play = await look(null, '/play', { viewport: { width: 1440, height: 900 } });
  play.expects(/WebSocket|Failed to load resource/);
  const { page } = play;
  await page.getByRole('button', { name: 'Start' }).click();
  const write = async (name: string, text: string) => {
    await page.getByLabel(`Write as ${name}`).fill(text);
    await page.getByLabel(`Write as ${name}`).press('Enter');
    await sees(page.getByRole('log', { name: `What ${name} sees` }).getByText(text));
  };
  await write('Ada', 'Can you hear me?');
  await write('Bob', 'Loud and clear.');
  const cable = page.getByRole('region', { name: /^Bob/ }).getByRole('switch');
  await cable.click();
  await write('Ada', 'And now?');
  await write('Ada', 'I go on while you are away.');
  await write('Bob', 'Written in the dark');
  await cable.click();
  await sees(page.getByText(/^Came back: from/));
  await sees(page.getByRole('log', { name: 'What Ada sees' }).getByText('Written in the dark'));
  await page.locator('summary').filter({ hasText: 'catch-up' }).first().click();
  await shoot(play, 'playground');
});

test('a picture of texts', async () => {
  const [lea, noor] = [await town().person('lea'), await town().person('noor')];
  const room = await lea.makeRoom('Launch week');
  await noor.join(room);
  await noor.say(
    room,
    [
      '## Before Friday',
      '1. **Freeze** the texts, *then* the pictures',
      '2. Update [the press page](https://example.org/press)',
      '   - short version first',
      '   - ~~video~~ next week',
      '> If in doubt, leave it out.',
      'Questions go to #launch-week, @lea.',
    ].join('\n'),
  );
  await lea.say(
    room,
    'This one fails on Mondays:\n```rust\n/// The day after, for those who work on it.\nfn next(day: Day) -> Option<Day> {\n    (day != Day::Sunday).then(|| day.after(1)) // "never" on Sunday\n}\n```\n`Day::Sunday` is `0` here, I think.',
  );
  const visit = await town().visit(lea, { path: `/c/${room.id}`, viewport: DESKTOP, colorScheme: 'light' });
  const { page } = visit;
  await sees(log(page).locator('pre .keyword'));
  await page.getByRole('button', { name: 'Formatting' }).click();
  await page.getByRole('textbox', { name: /^Write to/ }).fill('- **Monday** is `1`\n- Sunday is `7`');
  await page.getByRole('button', { name: 'Preview' }).click();
  await sees(page.getByRole('region', { name: 'Preview of your message' }));
  await shoot(visit, 'texts');
});

test('a picture of earlier texts', async () => {
  const [lea, noor] = [await town().person('lea2'), await town().person('noor2')];
  await lea.update({ display_name: 'Léa Martin' });
  await noor.update({ display_name: 'Noor Haddad' });
  const room = await lea.makeRoom('Minutes');
  await noor.join(room);
  const path = `/v1/conversations/${room.id}`;
  await lea.do('PATCH', path, { edit_history: true });
  const said = await noor.say(room, 'We meet on Monday at nine in the small room.');
  for (const text of [
    'We meet on Tuesday at nine in the small room.',
    'We meet on Tuesday at ten in the large room. Bring your plans!',
  ])
    await noor.do('PATCH', `${path}/messages/${said.seq}`, { text });
  const visit = await town().visit(lea, { path: `/c/${room.id}`, viewport: DESKTOP, colorScheme: 'light' });
  await log(visit.page).getByRole('button', { name: 'edited' }).focus();
  await visit.page.keyboard.press('Enter');
  await sees(dialog(visit.page).getByRole('deletion').first());
  await shoot(visit, 'versions');
});

test('pictures of a lively room', async () => {
  const { me, others, room } = await lively(town());
  const inRoom = { path: `/c/${room.id}`, colorScheme: 'light' } as const;
  const visit = await town().visit(me, { ...inRoom, viewport: DESKTOP });
  const { page } = visit;
  await sees(message(page, 'Short.'));
  await page.waitForTimeout(600);
  await message(page, 'Merci à tous !').hover();
  await sees(page.getByRole('toolbar'));
  await page.screenshot({ path: `${IMAGES}message-bar.png`, animations: 'disabled', caret: 'hide' });
  await message(page, 'Short.')
    .getByRole('button', { name: /^Read by/ })
    .click();
  await sees(dialog(page).getByText('@wang'));
  await shoot(visit, 'readers');
  await page.keyboard.press('Escape');
  await seesNot(dialog(page));
  await page.getByRole('button', { name: 'Notifications of this conversation' }).click();
  await sees(page.getByRole('menuitem', { name: 'Mute for an hour' }));
  await shoot(visit, 'quiet');
  await visit.close();

  const tablet = await town().visit(me, { ...inRoom, viewport: TABLET });
  await sees(message(tablet.page, 'Short.'));
  await tablet.page.getByRole('button', { name: 'Details' }).click();
  await sees(tablet.page.getByRole('complementary', { name: 'Details' }).getByText('Léa Martin'));
  await shoot(tablet, 'tablet-details');
  await tablet.close();

  const sender = await town().visit(others.lea, { ...inRoom, viewport: DESKTOP });
  const files = sender.page.locator('input[type=file]').first();
  await files.setInputFiles([
    { name: 'hill.png', mimeType: 'image/png', buffer: painted(900, 560) },
    {
      name: 'The minutes of Thursday.pdf',
      mimeType: 'application/pdf',
      buffer: Buffer.alloc(120_000, '%PDF-1.7\n'),
    },
  ]);
  await sees(sender.page.getByRole('button', { name: 'Remove The minutes of Thursday.pdf' }));
  await sees(sender.page.getByRole('button', { name: 'Remove hill.png' }));
  await sender.page.getByRole('textbox', { name: /^Write to/ }).fill('From the hill, last night');
  await sender.page.keyboard.press('Enter');
  await sender.page.getByRole('button', { name: 'Record a voice message' }).click();
  await sender.page.waitForTimeout(2_500);
  await sender.page.getByRole('button', { name: 'Stop' }).click();
  await sender.page.getByRole('button', { name: 'Send the voice message' }).click();
  await sees(log(sender.page).getByRole('group', { name: /^Voice message/ }));
  await shoot(sender, 'files');
  const phone = await town().visit(me, { ...inRoom, viewport: PHONE, isMobile: true, hasTouch: true });
  await sees(log(phone.page).getByRole('img', { name: 'hill.png' }));
  await phone.page.waitForTimeout(600);
  await message(phone.page, 'From the hill').locator('.text').tap();
  await sees(phone.page.getByRole('toolbar'));
  await shoot(phone, 'phone-message-bar');
  const settings = await town().visit(me, {
    path: '/settings/notifications',
    viewport: DESKTOP,
    colorScheme: 'light',
  });
  await sees(settings.page.getByRole('group', { name: 'In rooms' }));
  await shoot(settings, 'settings-notifications');
});
