// How long a page's own work takes, and how much of that is the machine's.
import type { Visit } from './visit';

interface Traced {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

export interface Task {
  readonly name: string;
  /** Milliseconds of the thread's own time: other work of the machine does not count. */
  readonly ms: number;
}

/** The tasks of the page's main thread while something is done. */
export async function tasksOf({ page, context }: Visit, work: () => Promise<void>): Promise<Task[]> {
  const browser = await context.newCDPSession(page);
  const events: Traced[] = [];
  browser.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as Traced[])));
  const complete = new Promise<void>((resolve) => browser.once('Tracing.tracingComplete', () => resolve()));
  const includedCategories = ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'];
  await browser.send('Tracing.start', {
    traceConfig: { includedCategories },
    transferMode: 'ReportEvents',
  });
  await work();
  await browser.send('Tracing.end');
  await complete;
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
  const isMain = ({ pid, tid }: Traced) => mains.some((one) => one.pid === pid && one.tid === tid);
  const tasks = events.filter(
    (event) => /RunTask$/.test(event.name) && event.tdur !== undefined && isMain(event),
  );
  await browser.detach();
  return tasks.map(({ name, tdur = 0 }) => ({ name, ms: tdur / 1_000 }));
}

/** The time of all these tasks. Two names may stand for the same tasks. */
export function timeOf(tasks: readonly Task[]): number {
  const sums = new Map<string, number>();
  for (const { name, ms } of tasks) sums.set(name, (sums.get(name) ?? 0) + ms);
  return Math.max(0, ...sums.values());
}

/** A piece of work like a page's: rows are made, laid out and taken away. Returns its milliseconds by the clock. */
function unit(): number {
  const began = performance.now();
  const hall = document.createElement('div');
  hall.style.cssText = 'position: fixed; inset: 0; visibility: hidden; contain: strict; overflow: hidden';
  document.body.append(hall);
  for (let row = 0; row < 1_500; row += 1) {
    const line = document.createElement('p');
    line.textContent = `${row}: ${'so much has been said here '.repeat(1 + (row % 5))}`;
    hall.append(line);
  }
  hall.getBoundingClientRect();
  hall.remove();
  return performance.now() - began;
}

/**
 * What {@link unit} takes where the bounds of time were chosen, if nothing else runs there. That machine was not asked:
 * a message of one's own took 70 to 94 ms on it, and takes 101 to 119 where this takes 30.
 */
const UNIT_MS = 22;
const TURNS = 9;

/**
 * How many times as long this machine takes just now for what a page does, by the thread's own time. Another one is
 * slower, and on one that does other things besides even the thread's own time is longer, because its core and its
 * caches are shared. Bounds of time were chosen for one machine, and hold on slower ones by this.
 */
export async function paceOf(visit: Visit): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    times.push(timeOf(await tasksOf(visit, async () => void (await visit.page.evaluate(unit)))));
  }
  return paceFrom(times);
}

/** The same by the clock, on a page whose processor is slowed down. */
export async function paceByClock({ page }: Visit, slower: number): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) times.push((await page.evaluate(unit)) / slower);
  return paceFrom(times);
}

function paceFrom(times: readonly number[]): number {
  const middle = times.toSorted((a, b) => a - b)[times.length >> 1] ?? Infinity;
  return Math.max(1, middle / UNIT_MS);
}
