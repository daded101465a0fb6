import { Refusal } from '@palabre/sdk';

/** The reason why the server refused one field; undefined if it did not. */
export function fieldError(error: unknown, field: string): string | undefined {
  if (!(error instanceof Refusal)) return undefined;
  return error.errors.find((one) => one.pointer === `/${field}`)?.detail;
}
