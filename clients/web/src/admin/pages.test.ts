import { expect, it, vi } from 'vitest';
import { Pages, type Page } from './pages.svelte';

vi.mock('../town/problems', () => ({ reason: (error: unknown) => String(error) }));

type Item = { id: number };
const page = (ids: number[], next: string | null = null): Page<Item> => ({
  items: ids.map((id) => ({ id })),
  next,
});
const ids = (pages: Pages<Item>) => pages.items.map((item) => item.id);

it('reads on from where it stands', async () => {
  const read = vi.fn(async (_search: string, cursor: string | null) =>
    cursor === null ? page([1, 2], 'c') : page([3]),
  );
  const pages = new Pages<Item>(read);
  await pages.search('a');
  expect(pages.more).toBe(true);
  await pages.readMore();
  expect(ids(pages)).toEqual([1, 2, 3]);
  expect(read.mock.calls).toEqual([
    ['a', null],
    ['a', 'c'],
  ]);
  expect(pages.more).toBe(false);
  await pages.readMore();
  expect(read).toHaveBeenCalledTimes(2);
});

it('drops the answer to an earlier search that comes late', async () => {
  const answers: ((page: Page<Item>) => void)[] = [];
  const pages = new Pages<Item>(() => new Promise((answer) => answers.push(answer)));
  const [first, second] = [pages.search('a'), pages.search('ab')];
  answers[1]?.(page([2]));
  await second;
  answers[0]?.(page([1]));
  await first;
  expect(ids(pages)).toEqual([2]);
  expect(pages.busy).toBe(false);
});

it('says why it could not be read, and keeps what it has', async () => {
  let works = true;
  const pages = new Pages<Item>(async () => (works ? page([1]) : Promise.reject(new Error('away'))));
  await pages.search('');
  works = false;
  await pages.search('a');
  expect(pages.problem).toContain('away');
  expect(ids(pages)).toEqual([1]);
});

it('puts a changed item in its place', async () => {
  const pages = new Pages<Item & { name?: string }>(async () => page([1, 2]));
  await pages.search('');
  pages.replace({ id: 2, name: 'new' });
  expect(pages.items).toEqual([{ id: 1 }, { id: 2, name: 'new' }]);
});
