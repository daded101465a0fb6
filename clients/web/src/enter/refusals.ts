import { Refusal } from '@palabre/sdk';
import { detailFor } from '../town/details';

/** The reason why the server refused one field; undefined if it did not. */
export function fieldError(error: unknown, field: string): string | undefined {
  if (!(error instanceof Refusal)) return undefined;
  const wrong = error.errors.find((one) => one.pointer === `/${field}`);
  return wrong && detailFor(wrong.detail);
}
