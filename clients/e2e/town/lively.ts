// A room in which everything happens that happens in rooms: many scripts, long names, quotes, threads, code and reactions.
import type { Conversation } from '@palabre/sdk';
import type { Person } from './person';
import type { Town } from './town';

export const LONG_NAME = 'Maximiliane Wolfeschlegelsteinhausenbergerdorff von und zu Hohenstein';

export interface LivelyRoom {
  readonly me: Person;
  readonly others: Readonly<Record<'lea' | 'wang' | 'maryam' | 'max', Person>>;
  readonly room: Conversation;
  /** The message that the thread is about. */
  readonly root: number;
}

const CODE =
  '```rust\nfn next(day: Day) -> Day {\n    day.after(1) // on Sunday, too, if somebody works then\n}\n```';

/** Everybody has read everything in the end but whoever is looked at; the room keeps earlier texts. */
export async function lively(town: Town): Promise<LivelyRoom> {
  const me = await town.person('haddad', { display_name: 'Noor Haddad' });
  const lea = await town.person('martin', { display_name: 'Léa Martin' });
  const wang = await town.person('wang', { display_name: '王小明' });
  const maryam = await town.person('maryam', { display_name: 'مريم الزهراء' });
  const max = await town.person('hohenstein', { display_name: LONG_NAME });
  const room = await me.makeRoom('Traductions et relectures de l’atelier du jeudi', {
    topic: 'Tout ce qui attend une seconde paire d’yeux, 所有需要校对的内容',
  });
  const path = `/v1/conversations/${room.id}`;
  await me.do('PATCH', path, { edit_history: true });
  for (const one of [lea, wang, maryam, max]) await one.join(room);

  await lea.say(
    room,
    '## Avant vendredi\n1. **Figer** les textes, *puis* les images\n2. Relire [la page](https://example.org/presse)\n> Dans le doute, on enlève.',
  );
  await lea.say(room, CODE);
  await wang.say(
    room,
    '大家好,我昨天把第三章的译文又看了一遍,有几处语气太生硬了,我已经改过来,请你们有空的时候再读一读,尤其是最后一段对话。',
  );
  await wang.say(room, '谢谢!');
  const asked = await maryam.say(
    room,
    'صباح الخير للجميع، انتهيت من مراجعة الفصل الرابع وأرسلت ملاحظاتي، أرجو أن تقرؤوها قبل اجتماع الغد لأن بعض المصطلحات تحتاج إلى قرار.',
  );
  await maryam.say(room, 'هل يناسبكم الساعة العاشرة؟');
  await max.say(room, 'Ten is fine for me.', asked.seq);
  const edited = await max.say(room, 'I have the proofs here, all two hundred and twelve pages.');
  await max.edit(
    room,
    edited.seq,
    'I have the proofs here, all two hundred and fourteen pages, and every one of them has something in it that two people should look at together before the printer sees it.',
  );
  const root = await lea.say(room, '@haddad, who reads the last chapter? Nobody has it yet.');
  for (const emoji of ['👍', '🎉', '❤️', '😂', '🙏', '👀', '🔥', '🌱'])
    for (const one of [lea, wang, max].slice(0, 1 + ((emoji.codePointAt(0) ?? 0) % 3)))
      await one.react(room, root.seq, emoji);
  for (const [who, text] of [
    [wang, '我来读最后一章。'],
    [maryam, 'وأنا أقرأ المقدمة.'],
    [max, 'Then I take the index, which nobody ever wants.'],
  ] as const)
    await who.do('POST', `${path}/messages`, { text, thread: root.seq });
  const gone = await max.say(room, 'Wrong room');
  await max.delete(room, gone.seq);
  await max.say(
    room,
    'https://example.org/a/very/long/address/that/goes/on/and/on/without/any/place/to/break/it?and=more&of=it',
  );
  await me.say(room, 'Merci à tous !');
  const last = await me.say(room, 'Short.');
  for (const one of [lea, wang, maryam, max]) await one.read(room, last.seq);
  return { me, others: { lea, wang, maryam, max }, room, root: root.seq };
}
