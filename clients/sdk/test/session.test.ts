import { expect, test } from 'vitest';
import { Refusal } from '../src/problem.js';
import { memoryStorage, type KeyValue } from '../src/storage.js';
import { Issuer, LIFE_S } from './help/issuer.js';

const ann = { username: 'ann', password: 'correct horse' };

async function loggedIn(storage: KeyValue = memoryStorage()) {
  const issuer = new Issuer();
  const { session, lost } = issuer.session(storage);
  await session.logIn(ann);
  return { issuer, session, lost, storage };
}

test('a token is used until half a minute before its end, then traded', async () => {
  const { issuer, session } = await loggedIn();
  issuer.now += (LIFE_S - 31) * 1000;
  expect(await session.token()).toBe('access 1');
  issuer.now += 2000;
  expect(await session.token()).toBe('access 2');
  expect(issuer.refreshes).toBe(1);
});

test('many who ask at the same time share one refresh', async () => {
  const { issuer, session } = await loggedIn();
  issuer.now += LIFE_S * 1000;
  const tokens = await Promise.all(Array.from({ length: 20 }, () => session.token()));
  expect(new Set(tokens)).toEqual(new Set(['access 2']));
  expect(issuer.refreshes).toBe(1);
});

test('two clients on one storage share one refresh', async () => {
  const { issuer, session, storage } = await loggedIn();
  const other = issuer.session(storage);
  issuer.now += LIFE_S * 1000;
  expect(await Promise.all([session.token(), other.session.token()])).toEqual(['access 2', 'access 2']);
  expect(issuer.refreshes).toBe(1);
});

test('a token that is refused is traded once, and the work done again', async () => {
  const { issuer, session } = await loggedIn();
  issuer.expireAll();
  const used: string[] = [];
  const answers = await Promise.all(
    [1, 2, 3].map(() =>
      session.withToken(async (token) => {
        used.push(token);
        const answer = await issuer.fetch('http://issuer/v1/anything', {
          headers: { authorization: `Bearer ${token}` },
        });
        if (!answer.ok) throw new Refusal({ code: 'unauthenticated', status: answer.status });
        return token;
      }),
    ),
  );
  expect(answers).toEqual(['access 2', 'access 2', 'access 2']);
  expect(issuer.refreshes).toBe(1);
  expect(used.filter((token) => token === 'access 1')).toHaveLength(3);
});

test('another tab that was faster is believed, though the own trade was refused', async () => {
  const { issuer, session, lost, storage } = await loggedIn();
  const newer = JSON.stringify({
    ...JSON.parse(storage.getItem('palabre.session') ?? ''),
    access: 'theirs',
    refresh: 'r',
  });
  issuer.now += LIFE_S * 1000;
  // Without a lock: it trades the same refresh token first, while ours is on its way.
  issuer.during = () => storage.setItem('palabre.session', newer);
  const stale = JSON.parse(newer) as Record<string, unknown>;
  storage.setItem(
    'palabre.session',
    JSON.stringify({ ...stale, access: 'access 1', refresh: 'used already' }),
  );
  expect(await session.token()).toBe('theirs');
  expect(lost()).toBe(0);
});

test('a refresh token that is refused ends the session', async () => {
  const { issuer, session, lost, storage } = await loggedIn();
  const kept = JSON.parse(storage.getItem('palabre.session') ?? '') as Record<string, unknown>;
  storage.setItem('palabre.session', JSON.stringify({ ...kept, refresh: 'used already' }));
  issuer.now += LIFE_S * 1000;
  await expect(session.token()).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(lost()).toBe(1);
  expect(session.signedIn).toBe(false);
  expect(storage.getItem('palabre.session')).toBeNull();
});

test.each(['down', 503, 'portal'] as const)(
  'a server that is away (%s) does not end the session',
  async (trouble) => {
    const { issuer, session, lost } = await loggedIn();
    issuer.now += LIFE_S * 1000;
    issuer.trouble.push(trouble);
    await expect(session.token()).rejects.toMatchObject({ passing: true });
    expect(session.signedIn).toBe(true);
    expect(lost()).toBe(0);
    expect(await session.token()).toBe('access 2');
  },
);

test('a log-out in one tab logs out the other', async () => {
  const values = memoryStorage();
  let told: (key: string | null) => void = () => undefined;
  const storage = { ...values, watch: (changed: typeof told) => ((told = changed), () => undefined) };
  const { session, lost } = await loggedIn(storage);
  values.removeItem('palabre.session');
  told('palabre.session');
  expect(session.signedIn).toBe(false);
  expect(lost()).toBe(1);
});

test('logging out forgets the tokens, even if the server is away', async () => {
  const { issuer, session, storage } = await loggedIn();
  issuer.trouble.push('down');
  await session.logOut();
  expect(session.signedIn).toBe(false);
  expect(storage.getItem('palabre.session')).toBeNull();
});

test('fields in storage that are not known do not hurt', async () => {
  const { issuer, storage } = await loggedIn();
  const kept = JSON.parse(storage.getItem('palabre.session') ?? '') as Record<string, unknown>;
  storage.setItem('palabre.session', JSON.stringify({ ...kept, expiresAt: 5, later: ['x'] }));
  const { session } = issuer.session(storage);
  expect(session.user).toBe(3);
  expect(await session.token()).toBe('access 1');
});

test('what cannot be read in storage is nobody', () => {
  const storage = memoryStorage();
  storage.setItem('palabre.session', '{"access":1}');
  expect(new Issuer().session(storage).session.signedIn).toBe(false);
  storage.setItem('palabre.session', 'no json');
  expect(new Issuer().session(storage).session.signedIn).toBe(false);
});

test('tokens that a full storage does not take are used all the same, and forgotten with the rest', async () => {
  const values = memoryStorage();
  const tabs: ((key: string | null) => void)[] = [];
  let full = false;
  const setItem = (key: string, value: string) => {
    if (full) throw new DOMException('full', 'QuotaExceededError');
    values.setItem(key, value);
  };
  const watch = (changed: (key: string | null) => void) => (tabs.push(changed), () => undefined);
  const { issuer, session, lost } = await loggedIn({ ...values, setItem, watch });
  full = true;
  for (let renewals = 1; renewals < 4; renewals += 1) {
    issuer.now += LIFE_S * 1000;
    expect(await session.token()).toBe(`access ${renewals + 1}`);
    tabs.forEach((changed) => changed('palabre.session'));
  }
  expect(lost()).toBe(0);
  await session.logOut();
  expect(session.signedIn).toBe(false);
  expect(values.getItem('palabre.session')).toBeNull();
});
