const HASH = /^#setup=(.+)$/;

/** Takes the set-up code out of the address, so that neither the history nor a screenshot keeps it. */
function take(): string | null {
  const found = HASH.exec(location.hash)?.[1];
  if (found === undefined) return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  try {
    return decodeURIComponent(found);
  } catch {
    return found;
  }
}

let secret = $state<string | null>(take());

addEventListener('hashchange', () => (secret = take() ?? secret));

/** The set-up code that came with the address. */
export function setupSecret(): string | null {
  return secret;
}

/** Forgets the set-up code: it was used, or it is wrong. */
export function dropSetupSecret(): void {
  secret = null;
}
