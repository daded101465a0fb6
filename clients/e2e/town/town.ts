// A server with people: what each file of tests begins with.
import type { Tokens } from '@palabre/sdk';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest';
import { Cable } from './cable';
import { call, PASSWORD, Person } from './person';
import { Server, type Settings } from './server';
import { Visit, type VisitOptions } from './visit';

export interface Registration {
  readonly display_name?: string;
  readonly email?: string;
  readonly [field: string]: string | undefined;
}

/** Where pictures of failures are put. */
const PICTURES = join(tmpdir(), 'palabre-e2e-failures');

export class Town {
  readonly server: Server;
  readonly #browser: Browser;
  readonly #visits = new Set<Visit>();
  readonly #cables = new Set<Cable>();

  private constructor(server: Server, browser: Browser) {
    this.server = server;
    this.#browser = browser;
  }

  static async open(settings: Settings): Promise<Town> {
    const [server, browser] = await Promise.all([
      Server.start(settings),
      chromium.connect(inject('browser')),
    ]);
    return new Town(server, browser);
  }

  /** Opens an account. */
  async person(username: string, profile: Registration = {}): Promise<Person> {
    const account = { username, password: PASSWORD, ...profile };
    return new Person(
      this.server.url,
      await call<Tokens>(this.server.url, null, 'POST', '/v1/accounts', account),
    );
  }

  /** Makes the first administrator. */
  administrator(username: string, profile: Registration = {}): Promise<Person> {
    return this.person(username, { ...profile, setup_secret: this.server.setupSecret });
  }

  /** Somebody opens a browser; nobody in particular if they are not logged in. */
  async visit(person: Person | null, options: VisitOptions | string = {}): Promise<Visit> {
    const asked = typeof options === 'string' ? { path: options } : options;
    const visit = await Visit.begin(this.#browser, this.server.url, person, asked);
    this.#visits.add(visit);
    return visit;
  }

  /** A cable to the server that can be cut. Its near end is an origin that the server must allow. */
  async cable(near: number): Promise<Cable> {
    const cable = await Cable.lay(near, this.server.port);
    this.#cables.add(cable);
    return cable;
  }

  /** Everybody closes their browsers; what happened in them and must not have. */
  async goHome(failed: string | null): Promise<readonly string[]> {
    const visits = [...this.#visits];
    this.#visits.clear();
    if (failed !== null) await picture(visits, failed);
    await Promise.all(visits.map((visit) => visit.close()));
    for (const cable of this.#cables) cable.close();
    this.#cables.clear();
    return visits.flatMap((visit) => visit.troubles);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.server.close();
  }
}

async function picture(visits: readonly Visit[], test: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  const name = test.replace(/\W+/g, '-').slice(0, 80);
  for (const [at, { page, troubles }] of visits.entries()) {
    const path = join(PICTURES, `${name}-${at}.png`);
    await page.screenshot({ path, timeout: 5_000 }).catch(() => {});
    console.info(`${path} (${page.url()})`, ...troubles);
  }
}

/** The town of a file's tests, and what is in it before the first of them. */
export interface TownOfAFile {
  (): Town;
  /** Does something in the town before the first test, and in any town that takes its place. */
  settle(work: () => Promise<unknown>): void;
}

/** How long a town may take to be opened and settled, in milliseconds. */
const OPENED = 300_000;

/**
 * A town for all tests of a file; after each test nobody may have had any trouble. A test that is tried again finds a new
 * town in its place: in the old one its people have their accounts already.
 */
export function useTown(settings: Settings = {}): TownOfAFile {
  let town: Town | undefined;
  const works: (() => Promise<unknown>)[] = [];
  const open = async () => {
    await town?.close();
    town = await Town.open(settings);
    for (const work of works) await work();
  };
  beforeAll(open, OPENED);
  beforeEach(async ({ task }) => {
    if (!task.result?.retryCount) return;
    console.info(`tried again: ${task.name}: ${task.result.errors?.at(-1)?.message}`);
    await open();
  }, OPENED);
  afterEach(async ({ task }) => {
    const troubles = await town?.goHome(task.result?.state === 'fail' ? task.name : null);
    expect(troubles ?? [], 'troubles in the pages').toEqual([]);
  });
  afterAll(() => town?.close());
  const current = () => {
    if (!town) throw new Error('The town is not open yet.');
    return town;
  };
  return Object.assign(current, { settle: (work: () => Promise<unknown>) => void works.push(work) });
}
