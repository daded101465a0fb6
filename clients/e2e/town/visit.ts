// A person's browser: a context of its own with one page, which is watched for whatever must not happen.
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { Person } from './person';

export interface VisitOptions extends Omit<BrowserContextOptions, 'storageState'> {
  /** Where to begin. */
  readonly path?: string;
  /** The address by which the server is reached, if a cable or a proxy lies between. */
  readonly through?: string;
  /** Other values that the browser has stored since the last visit. */
  readonly kept?: Readonly<Record<string, string>>;
  /** A script that runs in the page before its own. */
  readonly before?: () => void;
  /** Is called before the page opens. */
  readonly arrange?: (context: BrowserContext) => Promise<void>;
}

/** A log-in as the SDK keeps it. */
function session({ tokens }: Person): string {
  const life = tokens.expires_in * 1000;
  return JSON.stringify({
    access: tokens.access_token,
    refresh: tokens.refresh_token,
    expiresAt: Date.now() + life,
    renewAt: Date.now() + life / 2,
    session: tokens.session,
    user: tokens.user.id,
  });
}

export class Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly home: string;
  readonly #troubles: string[] = [];
  readonly #expected: RegExp[] = [];

  private constructor(context: BrowserContext, page: Page, home: string) {
    this.context = context;
    this.page = page;
    this.home = home;
  }

  /** Opens a browser for somebody who is logged in, or for nobody. */
  static async begin(browser: Browser, server: string, person: Person | null, options: VisitOptions) {
    const { path = '/', through = server, kept = {}, before, arrange, ...rest } = options;
    const stored = { ...kept, ...(person && { 'palabre.session': session(person) }) };
    const context = await browser.newContext({
      locale: 'en-GB',
      viewport: { width: 1280, height: 800 },
      ...rest,
      storageState: {
        cookies: [],
        origins: [
          {
            origin: new URL(through).origin,
            localStorage: Object.entries(stored).map(([name, value]) => ({ name, value })),
          },
        ],
      },
    });
    context.setDefaultTimeout(25_000);
    const page = await context.newPage();
    const visit = new Visit(context, page, through);
    await visit.#watch();
    if (before) await context.addInitScript(before);
    await arrange?.(context);
    await page.goto(through + path);
    return visit;
  }

  /** Errors that must not have happened. */
  get troubles(): readonly string[] {
    return this.#troubles.filter((trouble) => !this.#expected.some((pattern) => pattern.test(trouble)));
  }

  /** This will happen, and is all right. */
  expects(...patterns: readonly RegExp[]): this {
    this.#expected.push(...patterns);
    return this;
  }

  /** Opens another place of the client, by the address bar. */
  async goto(path: string): Promise<void> {
    await this.page.goto(this.home + path);
  }

  async close(): Promise<void> {
    await this.context.close();
  }

  async #watch(): Promise<void> {
    const note = (trouble: string) => void this.#troubles.push(trouble);
    await this.context.exposeBinding('reportTrouble', (_source, trouble: string) => note(trouble));
    await this.context.addInitScript(() => {
      const report = (window as unknown as { reportTrouble: (trouble: string) => void }).reportTrouble;
      addEventListener('securitypolicyviolation', (event) =>
        report(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
      );
    });
    this.context.on('request', (request) => {
      const url = request.url();
      const ours = url === this.home || url.startsWith(`${this.home}/`);
      if (!ours && !url.startsWith('data:') && !url.startsWith('blob:')) note(`foreign request: ${url}`);
    });
    this.context.on('page', (page) => note(`a page was opened: ${page.url()}`));
    this.page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        note(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    });
    this.page.on('pageerror', (error) => note(`page error: ${error.stack ?? error.message}`));
    this.page.on('dialog', (dialog) => {
      note(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    this.page.on('crash', () => note('the page crashed'));
  }
}
