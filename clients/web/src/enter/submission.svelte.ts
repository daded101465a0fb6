import { Refusal } from '@palabre/sdk';
import { tick } from 'svelte';
import { reason } from '../town/problems';
import { fieldError } from './refusals';

/** One form on its way to the server: sent once at a time, with the refusal that came back. */
export class Submission {
  busy = $state(false);
  #error = $state.raw<unknown>(null);

  /** Does the work, unless it is under way already; true if it succeeded. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.#error = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.#error = error;
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** The reason why the server refused one field. */
  field(name: string): string | undefined {
    return fieldError(this.#error, name);
  }

  /** The refusal's code, if it is about this field. */
  code(name: string): string | undefined {
    return this.field(name) !== undefined && this.#error instanceof Refusal ? this.#error.code : undefined;
  }

  /** Why it did not work, unless the fields say so already. */
  whole(fields: readonly string[]): string | undefined {
    if (this.#error === null || fields.some((name) => this.field(name) !== undefined)) return undefined;
    return reason(this.#error);
  }
}

/** Puts the focus into the first field with an error, once the page shows it. */
export async function focusFault(form: HTMLFormElement | null): Promise<void> {
  await tick();
  form?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
}
