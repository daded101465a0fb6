// The events for a bot: nothing is lost and nothing comes twice, whatever happens meanwhile.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { memoryStorage, Refusal, type Bot, type Followed, type FollowOptions } from '../src/index.js';
import { chance } from './help/people.js';
import { BOT, World } from './help/world.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const soon = () => vi.advanceTimersByTimeAsync(20);

/** Follows from now on; `told` has the numbers of what comes. */
async function follow(bot: Bot, options: FollowOptions = {}) {
  const told: number[] = [];
  const messages = bot.messages(options);
  const over = (async () => {
    for await (const { seq } of messages) told.push(seq);
  })();
  over.catch(() => undefined);
  bot.connect();
  await soon();
  return { told, messages, over };
}

async function kitchen() {
  const world = new World();
  world.open(1);
  return { world, bot: await world.bot() };
}

describe('a message is told once', () => {
  test('live, with other changes between', async () => {
    const { world, bot } = await kitchen();
    const { told } = await follow(bot);
    world.say(1);
    world.rename(1);
    world.say(1);
    world.say(1, BOT);
    await soon();
    expect(told).toEqual([3, 5]);
  });

  test('live, while very many people come, without a question to the server', async () => {
    const { world, bot } = await kitchen();
    const { told } = await follow(bot);
    world.crowd(1, 40);
    world.say(1);
    world.crowd(1, 1);
    await soon();
    expect(told).toEqual([43]);
    expect(world.server.commands.map(({ type }) => type)).not.toContain('message.history');
  });

  test('after a cut, however it is caught up with', async () => {
    const { world, bot } = await kitchen();
    const { told } = await follow(bot);
    for (const many of [2, 40]) {
      world.cut();
      for (let count = 0; count < many; count += 1) world.say(1);
      await soon();
    }
    expect(told).toEqual(Array.from({ length: 42 }, (_none, at) => at + 3));
  });

  test('of a gap while the line is open, also when it is a reset', async () => {
    const { world, bot } = await kitchen();
    const { told } = await follow(bot);
    world.unheard(1, () => world.say(1));
    await soon();
    world.unheard(1, () => {
      for (let count = 0; count < 9; count += 1) world.say(1);
    });
    world.say(1);
    await soon();
    expect(told).toEqual(Array.from({ length: 11 }, (_none, at) => at + 3));
  });

  test('also while the program asks slowly and much is said', async () => {
    const { world, bot } = await kitchen();
    const messages = bot.messages();
    bot.connect();
    await soon();
    for (let count = 0; count < 500; count += 1) world.say(1);
    await soon();
    const told: number[] = [];
    for (let count = 0; count < 500; count += 1) told.push((await messages.next()).value?.seq ?? 0);
    expect(told).toEqual(Array.from({ length: 500 }, (_none, at) => at + 3));
  });

  test('of a conversation that one was brought into during a cut, from the joining on', async () => {
    const { world, bot } = await kitchen();
    world.talks.set(2, { id: 2, head: 1, messages: [], joined: null });
    world.say(2);
    const { told } = await follow(bot);
    world.cut();
    world.bring(2);
    const said = [world.say(2), world.say(2)];
    await soon();
    expect(told).toEqual(said.map((it) => it?.seq));
    world.say(2);
    await soon();
    expect(told).toHaveLength(3);
  });

  test('edited and deleted before it is told, it is told as it is, or not', async () => {
    const { world, bot } = await kitchen();
    const messages = bot.messages();
    bot.connect();
    await soon();
    world.say(1);
    world.say(1);
    world.edit(1, 0);
    world.delete(1, 1);
    world.say(1);
    await soon();
    expect((await messages.next()).value?.text).toBe('text 3 edited');
    expect((await messages.next()).value?.seq).toBe(7);
  });

  test('with one’s own, if they are wanted', async () => {
    const { world, bot } = await kitchen();
    const { told } = await follow(bot, { own: true });
    world.say(1, BOT);
    await soon();
    expect(told).toEqual([3]);
  });

  test('when questions are refused for a while', async () => {
    const { world, bot } = await kitchen();
    const { told } = await follow(bot);
    let refusals = 3;
    world.trouble = ({ type }) =>
      type === 'message.history' && (refusals -= 1) >= 0
        ? { refused: 'rate_limited', status: 429 }
        : undefined;
    world.cut();
    for (let count = 0; count < 9; count += 1) world.say(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual(Array.from({ length: 9 }, (_none, at) => at + 3));
  });
});

test('a clock that is set back does not make it wait for it to come round again', async () => {
  const { world, bot } = await kitchen();
  const { told } = await follow(bot);
  let isRefused = true;
  world.trouble = ({ type }) =>
    type === 'message.history' && isRefused ? { refused: 'rate_limited', status: 429 } : undefined;
  world.cut();
  world.say(1);
  await soon();
  isRefused = false;
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual([3]);
});

describe('after a restart', () => {
  test('everything that was said meanwhile is told, and nothing twice', async () => {
    const [world, storage] = [new World(), memoryStorage()];
    world.open(1);
    const first = await world.bot(storage);
    const { told, over } = await follow(first);
    world.say(1);
    await soon();
    first.dispose();
    await over;
    world.cut();
    world.say(1);
    world.open(2);
    world.say(2);
    world.rename(1);
    const second = await follow(await world.bot(storage));
    world.say(1);
    await soon();
    expect(told).toEqual([3]);
    expect(second.told).toEqual([4, 3, 6]);
  });

  test('what was in hand when the program died comes again, and nothing else', async () => {
    const [world, storage] = [new World(), memoryStorage()];
    world.open(1);
    const dying = await world.bot(storage);
    const messages = dying.messages();
    dying.connect();
    await soon();
    for (let count = 0; count < 4; count += 1) world.say(1);
    await soon();
    for (const seq of [3, 4]) expect((await messages.next()).value?.seq).toBe(seq);
    world.cut();
    const { told } = await follow(await world.bot(storage));
    expect(told).toEqual([4, 5, 6]);
  });

  test('`done` says so without asking for another', async () => {
    const [world, storage] = [new World(), memoryStorage()];
    world.open(1);
    const bot = await world.bot(storage);
    const messages = bot.messages();
    bot.connect();
    await soon();
    world.say(1);
    world.say(1);
    for await (const { seq } of messages) {
      if (seq === 4) messages.done();
      if (seq === 4) break;
    }
    bot.dispose();
    world.cut();
    expect((await follow(await world.bot(storage))).told).toEqual([]);
  });

  test('a first run that hears nothing has begun all the same', async () => {
    const [world, storage] = [new World(), memoryStorage()];
    world.open(1);
    const first = await world.bot(storage);
    await follow(first);
    first.dispose();
    world.cut();
    world.say(1);
    expect((await follow(await world.bot(storage))).told).toEqual([3]);
  });

  test('a position that the program keeps by itself does as well, also as JSON', async () => {
    const { world, bot } = await kitchen();
    const messages = bot.messages({ keep: false });
    bot.connect();
    await soon();
    world.say(1);
    await messages.next();
    const from = JSON.parse(JSON.stringify(messages.position())) as NonNullable<FollowOptions['from']>;
    world.say(1);
    bot.dispose();
    world.cut();
    expect((await follow(await world.bot(), { from })).told).toEqual([4]);
  });

  test('two programs of one account go on each for themselves', async () => {
    const [world, storage] = [new World(), memoryStorage()];
    world.open(1);
    const first = await world.bot(storage);
    await follow(first, { name: 'one' });
    first.dispose();
    world.cut();
    world.say(1);
    const second = await world.bot(storage);
    const two = await follow(second, { name: 'two' });
    const one = await follow(second, { name: 'one' });
    expect([one.told, two.told]).toEqual([[3], []]);
  });

  test('a position that cannot be read is an error, and does not begin anew', async () => {
    const [world, storage] = [new World(), memoryStorage()];
    world.open(1);
    storage.setItem('palabre.follow.1.default', '{"epoch":1}');
    const { over } = await follow(await world.bot(storage));
    await expect(over).rejects.toThrow('cannot be read');
    const bot = await world.bot(storage);
    expect(() => bot.messages({ from: { epoch: 'e' } as never })).toThrow('`from` is no position');
  });
});

describe('the own account', () => {
  test('one is told that one was brought in before what is said there, live, after a cut and after a restart', async () => {
    const [world, storage] = [new World(), memoryStorage()];
    world.open(1);
    const begin = async () => {
      const bot = await world.bot(storage);
      const told: string[] = [];
      const show = (it: Followed) => (it.type === 'message' ? `message ${it.message.seq}` : it.event.type);
      void (async () => {
        for await (const it of bot.follow()) told.push(show(it));
      })();
      bot.connect();
      await soon();
      return { bot, told };
    };
    const one = await begin();
    world.open(2);
    world.say(2);
    await soon();
    world.cut();
    world.open(3);
    world.say(3);
    world.remove(2);
    await soon();
    const added = ['conversation.added', 'message 3'];
    expect(one.told).toEqual([...added, 'conversation.added', 'conversation.removed', 'message 3']);
    one.bot.dispose();
    world.cut();
    world.open(4);
    world.say(4);
    expect((await begin()).told).toEqual(added);
  });
});

describe('another history of the database', () => {
  test('what is said after it is told, under whichever numbers; what was told is not told again', async () => {
    const [world, storage] = [new World(), memoryStorage()];
    world.open(1);
    world.open(2);
    const first = await world.bot(storage);
    const { told } = await follow(first);
    for (let count = 0; count < 6; count += 1) world.say(1);
    await soon();
    expect(told).toEqual([3, 4, 5, 6, 7, 8]);
    first.dispose();
    world.forget(3);
    const said = [world.say(1), world.say(1), world.say(1), world.say(1), world.say(1)];
    world.say(2);
    const second = await follow(await world.bot(storage));
    expect(second.told).toEqual([3, ...said.map((it) => it?.seq)]);
    world.forget(2);
    const again = world.say(1);
    await soon();
    expect(second.told.slice(6)).toEqual([again?.seq]);
  });
});

describe('another history, seldom', () => {
  test('where nothing was said yet, what is said is told, though its number was passed before', async () => {
    const { world, bot } = await kitchen();
    const { told } = await follow(bot);
    for (let count = 0; count < 3; count += 1) world.rename(1);
    await soon();
    world.forget(2);
    world.say(1);
    await soon();
    expect(told).toEqual([4]);
  });

  test('where one was just brought in, it begins at the joining all the same', async () => {
    const { world, bot } = await kitchen();
    world.talks.set(2, { id: 2, head: 1, messages: [], joined: null });
    world.say(2);
    const { told } = await follow(bot);
    world.trouble = ({ type }) =>
      type === 'conversation.get' ? { refused: 'unavailable', status: 503 } : undefined;
    world.cut();
    world.bring(2);
    world.say(2);
    await soon();
    world.forget(0);
    world.trouble = () => undefined;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toEqual([4]);
  });
});

describe('the end', () => {
  test('who disposes of the bot ends the loop; who logs out or is put out ends it with an error', async () => {
    const { world, bot } = await kitchen();
    const { over } = await follow(bot);
    bot.dispose();
    await expect(over).resolves.toBeUndefined();
    const other = await world.bot();
    const loop = await follow(other);
    await other.logOut();
    await expect(loop.over).rejects.toBeInstanceOf(Refusal);
    await expect(loop.messages.next()).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const WORLDS = Number(process.env.ROUNDS ?? 40);

describe('whatever happens', () => {
  test.each(Array.from({ length: WORLDS }, (_none, at) => SEED + at))(
    'nothing is lost and nothing doubled (SEED=%i)',
    async (seed) => {
      const random = chance(seed);
      const world = new World();
      const storage = memoryStorage();
      const told: { readonly id: number; readonly conversation: number; readonly seq: number }[] = [];
      const [due, excused] = [new Map<number, number>(), new Set<number>()];
      /** Said while it was put out: who is brought in again unheard may be told of it. */
      const between = new Map<number, number>();
      let crashes = 0;
      let bot = await world.bot(storage);
      const run = async () => {
        bot = await world.bot(storage);
        const [mine, messages] = [bot, bot.messages()];
        void (async () => {
          for await (const message of messages) {
            if (mine !== bot) return;
            told.push(message);
            if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 8));
            if (mine !== bot) return;
          }
        })();
        bot.connect();
        await vi.advanceTimersByTimeAsync(5);
      };
      const any = () => 1 + Math.floor(random() * 3);
      const isIn = (id: number) => (world.talks.get(id)?.joined ?? null) !== null;
      const say = (id: number) => {
        const said = world.say(id, random() < 0.15 ? BOT : 2);
        if (said && said.author.id !== BOT) (isIn(id) ? due : between).set(said.id, id);
      };
      /** Of a conversation that one is put out of, what was not told yet may stay untold. */
      const excuse = (id: number) => {
        for (const [message, conversation] of due) if (conversation === id) excused.add(message);
      };
      const deeds: readonly (() => unknown)[] = [
        ...Array.from({ length: 10 }, () => () => say(any())),
        () => world.rename(any()),
        () => world.edit(any(), Math.floor(random() * 99)),
        () => {
          const talk = world.talks.get(any());
          const at = Math.floor(random() * 99) % Math.max(1, talk?.messages.length ?? 1);
          const gone = talk?.messages[at];
          if (gone) excused.add(gone.id);
          if (talk) world.delete(talk.id, at);
        },
        () => world.cut(),
        () => {
          const id = any();
          world.unheard(id, () => {
            for (let count = random() * 12; count > 0; count -= 1) say(id);
          });
        },
        () => world.bring(any()),
        () => {
          const id = any();
          if (random() < 0.4) {
            excuse(id);
            world.remove(id);
          }
        },
        async () => {
          if (random() < 0.5) return;
          crashes += 1;
          const dead = bot;
          bot = await world.bot(storage);
          dead.dispose();
          world.cut();
          await run();
        },
        () => {
          if (random() < 0.6) return;
          for (const lost of world.forget(Math.floor(random() * 4))) excused.add(lost.id);
        },
        () => {
          world.trouble = ({ type }) => {
            if (random() < 0.7 || type === 'conversation.list') return undefined;
            return random() < 0.5 ? { refused: 'unavailable', status: 503 } : undefined;
          };
        },
        () => void (world.trouble = () => undefined),
      ];
      for (const id of [1, 2, 3]) world.open(id);
      await run();
      for (let step = 0; step < 120; step += 1) {
        await deeds[Math.floor(random() * deeds.length)]?.();
        if (random() < 0.6) await vi.advanceTimersByTimeAsync(random() * 10);
      }
      world.trouble = () => undefined;
      await vi.advanceTimersByTimeAsync(120_000);

      for (const id of [1, 2, 3]) {
        const order = [...new Set(told.filter(({ conversation }) => conversation === id).map((it) => it.id))];
        expect(order).toEqual(order.toSorted((one, other) => one - other));
      }
      const times = new Map<number, number>();
      for (const { id } of told) times.set(id, (times.get(id) ?? 0) + 1);
      const lost = [...due.keys()].filter((id) => !times.has(id) && !excused.has(id));
      expect(lost).toEqual([]);
      expect([...times.keys()].filter((id) => !due.has(id) && !between.has(id))).toEqual([]);
      const doubled = [...times.values()].reduce((sum, count) => sum + count - 1, 0);
      expect(doubled).toBeLessThanOrEqual(crashes);
    },
  );
});
