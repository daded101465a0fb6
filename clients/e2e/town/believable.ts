// A small town as one might find it, for the pictures of the documents.
import type { Conversation } from '@palabre/sdk';
import type { Person } from './person';
import type { MinutesAgo } from './times';
import type { Town } from './town';

const PEOPLE = {
  ines: ['Inès Moreau', 'Bookbinder', 'Lyon', 'Europe/Paris', 'fr', 'Glue is drying'],
  tom: ['Tom Baker', 'Gardener', 'Leeds', 'Europe/London', 'en', 'Out with the tomatoes'],
  amelie: ['Amélie Laurent', 'Institutrice', 'Nantes', 'Europe/Paris', 'fr', 'En classe jusqu’à 16 h 30'],
  jonas: ['Jonas Weber', 'Carpenter', 'Freiburg', 'Europe/Berlin', 'de', ''],
  sofia: ['Sofia Rossi', 'Nurse', 'Bologna', 'Europe/Rome', 'it', 'Night shift this week'],
  malik: ['Malik Diallo', 'Baker', 'Dakar', 'Africa/Dakar', 'fr', 'Le pain est au four 🥖'],
  grace: ['Grace Okafor', 'Librarian', 'Lagos', 'Africa/Lagos', 'en', ''],
  yuki: ['Yuki Tanaka', 'Illustrator', 'Kyoto', 'Asia/Tokyo', 'ja', ''],
} as const;
type Name = keyof typeof PEOPLE;

/** The author, how many minutes ago, and the text; then the line (from 0) that it answers, and reactions to it. */
type Line = readonly [
  Name,
  number,
  string,
  { re?: number; with?: Readonly<Record<string, readonly Name[]>> }?,
];

const GARDEN: readonly Line[] = [
  [
    'tom',
    1500,
    'The first tomatoes are in! Thirty-two plants, and my back knows each of them by name.',
    { with: { '🍅': ['ines', 'grace', 'yuki'], '👏': ['amelie'] } },
  ],
  ['yuki', 1496, 'That sounds like a lot of sauce.'],
  ['tom', 1495, 'That is the plan.'],
  [
    'grace',
    1440,
    'The library has a shelf of seeds now: take a bag, bring one back in autumn.\nBeans, dill, calendula and something that nobody could name.',
    { with: { '💚': ['tom', 'ines', 'sofia', 'jonas'] } },
  ],
  ['amelie', 95, 'Les enfants de ma classe voudraient semer quelque chose qui pousse vite. Des idées ?'],
  ['malik', 93, 'Des radis ! Trois semaines, et on les mange.', { re: 4, with: { '👍': ['amelie', 'tom'] } }],
  ['ines', 92, 'Et du cresson sur du coton, ils verront tout en cinq jours.', { re: 4 }],
  ['amelie', 88, 'Parfait, merci 🌱'],
  [
    'jonas',
    41,
    'I have larch boards left from the shed. Enough for two raised beds, if somebody helps me carry them on Saturday.',
  ],
  ['sofia', 39, 'I am free after ten.', { with: { '🙏': ['jonas'] } }],
  ['tom', 38, 'Count me in. @ines could you bring the cart?', { re: 8 }],
  [
    'ines',
    35,
    'Yes, if the wheel holds. The map of the plots is here: https://example.org/gardens/plots',
    { with: { '🎉': ['tom', 'jonas', 'sofia'], '👍': ['grace'] } },
  ],
  [
    'grace',
    6,
    'I will bring lemonade, and the bag of seeds without a name. Let us find out together.',
    { with: { '❤️': ['ines', 'tom', 'amelie', 'yuki'], '🌻': ['sofia'] } },
  ],
  ['tom', 4, 'Rain until nine, then sun. See you at the gate!'],
];
const LOBBY: readonly Line[] = [
  ['grace', 320, 'Good morning, everybody. The kettle is on.'],
  ['malik', 318, 'Bonjour à tous ! Il reste des croissants.', { with: { '🥐': ['ines', 'amelie', 'yuki'] } }],
  ['yuki', 120, 'Has anybody seen my green notebook?'],
  ['sofia', 22, 'On the window sill, under the cat.', { re: 2, with: { '😂': ['yuki', 'tom'] } }],
];
const BINDERY: readonly Line[] = [
  ['yuki', 700, 'The drawings for chapter three are done.'],
  ['grace', 230, 'They are lovely. Page 41 made me laugh out loud.'],
];
const WITH_AMELIE: readonly Line[] = [
  ['ines', 2900, 'Tu viens dimanche ?'],
  ['amelie', 180, 'Oui ! J’apporte le dessert.', { re: 0 }],
  ['ines', 179, 'Quelle bonne idée.'],
];
const WITH_TOM: readonly Line[] = [
  ['tom', 12, 'Is the cart still in your yard?'],
  ['tom', 11, 'I can fetch it on the way.'],
];

export interface BelievableTown {
  readonly people: Record<Name, Person>;
  readonly garden: Conversation;
  readonly lobby: Conversation;
  readonly withTom: Conversation;
  readonly minutesAgo: MinutesAgo;
}

export async function settle(town: Town): Promise<BelievableTown> {
  const people = {} as Record<Name, Person>;
  for (const [name, [display_name, profession, city, time_zone, language, status]] of Object.entries(
    PEOPLE,
  )) {
    const join = name === 'ines' ? town.administrator.bind(town) : town.person.bind(town);
    const person = await join(name, { display_name, email: `${name}@example.org` });
    await person.update({ profession, city, time_zone, language, status_message: status || null });
    people[name as Name] = person;
  }
  const { ines, tom, amelie, yuki, grace } = people;
  const lobby = await grace.makeRoom('Lobby', { topic: 'Come in, hang up your coat' });
  const garden = await tom.makeRoom('Garden club', { topic: 'Seeds, soil and Saturdays' });
  const others = await Promise.all([
    grace.makeRoom('Reading circle', { topic: 'This month: “The Summer Book”' }),
    people.malik.makeRoom('Boulangerie', { topic: 'Levain, farines et fournées' }),
    yuki.makeRoom('Sketches', { topic: 'One drawing a day, good or bad' }),
    people.jonas.makeRoom('Workshop', { topic: 'Tools to lend and to borrow' }),
  ]);
  for (const person of Object.values(people)) {
    if (person !== grace) await person.join(lobby);
    if (person !== tom) await person.join(garden);
  }
  await ines.join(others[0]);
  const bindery = await ines.makeGroup('The book about cats', [yuki, grace]);
  const withAmelie = await ines.directWith(amelie);
  const withTom = await tom.directWith(ines);

  const ago = new Map<string, number>();
  const tell = async (where: Conversation, lines: readonly Line[]) => {
    const said: number[] = [];
    for (const [name, minutes, text, more = {}] of lines) {
      const { seq } = await people[name].say(where, text, more.re === undefined ? undefined : said[more.re]);
      said.push(seq);
      ago.set(`${where.id}/${seq}`, minutes);
      for (const [emoji, fans] of Object.entries(more.with ?? {})) {
        for (const fan of fans) await people[fan].react(where, seq, emoji);
      }
    }
    return said;
  };
  await ines.read(bindery, (await tell(bindery, BINDERY)).at(-1) ?? 0);
  await ines.read(withAmelie, (await tell(withAmelie, WITH_AMELIE)).at(-1) ?? 0);
  const inLobby = await tell(lobby, LOBBY);
  await ines.read(lobby, inLobby[2] ?? 0);
  const inGarden = await tell(garden, GARDEN);
  await ines.read(garden, inGarden[11] ?? 0);
  for (const name of ['tom', 'grace', 'amelie', 'jonas'] as const)
    await people[name].read(garden, inGarden.at(-1) ?? 0);
  await tell(withTom, WITH_TOM);
  return {
    people,
    garden,
    lobby,
    withTom,
    minutesAgo: (conversation, seq) => ago.get(`${conversation}/${seq}`),
  };
}
