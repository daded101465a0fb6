// A refusal as the server writes it (RFC 9457), and what went wrong before there was an answer.
import type { FieldProblem, Problem } from './wire.js';

/** The server's codes, and `network`: the server's answer did not come, so nobody knows whether it was done. */
export type RefusalCode = Problem['code'] | 'network';

const TRY_AGAIN: ReadonlySet<string> = new Set([
  'network',
  'rate_limited',
  'unavailable',
  'outcome_unknown',
  'storage_full',
]);

/** The answer to a command that was not done, with the reason. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The reason, for people. */
  readonly detail: string;
  /** The fields that were wrong. */
  readonly errors: readonly FieldProblem[];
  /** When to try again, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** The request, for the server's log. */
  readonly requestId: string | null;

  constructor(problem: Partial<Omit<Problem, 'code'>> & { readonly code: RefusalCode }) {
    super(problem.detail || problem.title || problem.code);
    this.code = problem.code;
    this.status = problem.status ?? 0;
    this.detail = problem.detail ?? '';
    this.errors = problem.errors ?? [];
    this.retryAfterMs = problem.retry_after_ms ?? null;
    this.requestId = problem.request_id ?? null;
  }

  /** Whether the same may well succeed a little later. */
  get passing(): boolean {
    return TRY_AGAIN.has(this.code) || this.status === 503;
  }
}

/** No answer came. */
export function unanswered(detail: string): Refusal {
  return new Refusal({ code: 'network', detail });
}

/**
 * The refusal in an answer's body. What is no problem object is not our server's (but a proxy's, or that of a
 * network that wants one to log in first): it says nothing of what was asked, and passes.
 */
export function refusalOf(status: number, body: unknown): Refusal {
  if (isProblem(body)) return new Refusal(body);
  const code = status === 429 ? 'rate_limited' : status >= 500 ? 'unavailable' : 'network';
  return new Refusal({ code, status, detail: `Something else answered, with status ${status}.` });
}

/** The refusal in a frame. */
export function refusalIn(error: unknown): Refusal {
  return isProblem(error)
    ? new Refusal(error)
    : new Refusal({ code: 'internal', status: 500, detail: 'The server refused it without a reason.' });
}

function isProblem(body: unknown): body is Problem {
  if (typeof body !== 'object' || body === null) return false;
  const { code, status } = body as Record<string, unknown>;
  return typeof code === 'string' && typeof status === 'number';
}
