// A server that does nothing but give tokens, each refresh token once.
import { Rest } from '../../src/rest.js';
import { Session } from '../../src/session.js';
import type { KeyValue } from '../../src/storage.js';

export const LIFE_S = 60;

export class Issuer {
  now = 1_000_000;
  refreshes = 0;
  /** The answers to the next calls, in place of the real ones. */
  readonly trouble: ('down' | 'lost' | 'portal' | 503)[] = [];
  #tokens = 0;
  #refresh = '';
  readonly #good = new Set<string>();
  /** Runs while a refresh is under way. */
  during: () => void = () => undefined;

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const path = new URL(String(input)).pathname;
    const trouble = this.trouble.shift();
    if (trouble === 'down') throw new TypeError('fetch failed');
    if (trouble === 'portal') return new Response('<h1>Log in to the café</h1>', { status: 401 });
    if (trouble === 503) return problem(503, 'unavailable');
    if (path === '/v1/sessions/refresh')
      return this.#trade(JSON.parse(String(init?.body)) as { refresh_token: string });
    if (path === '/v1/sessions') return this.#issue();
    const token = new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? '';
    if (!this.#good.has(token)) return problem(401, 'unauthenticated');
    return path === '/v1/sessions/current' ? new Response(null, { status: 204 }) : Response.json({ token });
  };

  /** No access token that was given is good any more. */
  expireAll(): void {
    this.#good.clear();
  }

  async #trade({ refresh_token }: { refresh_token: string }): Promise<Response> {
    this.refreshes += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.during();
    return refresh_token === this.#refresh ? this.#issue() : problem(401, 'unauthenticated');
  }

  #issue(): Response {
    const at = (this.#tokens += 1);
    this.#refresh = `refresh ${at}`;
    this.#good.add(`access ${at}`);
    return Response.json({
      access_token: `access ${at}`,
      refresh_token: this.#refresh,
      token_type: 'Bearer',
      expires_in: LIFE_S,
      session: 1,
      user: { id: 3, username: 'ann' },
    });
  }

  /** A session of this issuer. */
  session(storage: KeyValue): { session: Session; lost: () => number } {
    let lost = 0;
    const rest = new Rest({ url: 'http://issuer', fetch: this.fetch });
    const session = new Session({ rest, storage, now: () => this.now, lost: () => (lost += 1) });
    return { session, lost: () => lost };
  }
}

function problem(status: number, code: string): Response {
  return Response.json({ code, status, title: code, detail: '', errors: [] }, { status });
}
