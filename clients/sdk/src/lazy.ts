// Parts of the SDK that a page loads when they are first needed.
import { unanswered } from './problem.js';

/**
 * Loads a part. Throws a `Refusal` with the code `network` if that fails: the network is away, or the server has been
 * replaced by a newer one since the page was loaded.
 */
export async function lazy<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw unanswered(error instanceof Error ? error.message : String(error));
  }
}
