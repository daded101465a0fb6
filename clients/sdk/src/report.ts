// Errors of whoever listens are theirs: they are reported, and nobody else hears less for them.

/** Calls a listener; an error that it throws is reported as uncaught. */
export function isolated(call: () => void): void {
  try {
    call();
  } catch (error) {
    report(error);
  }
}

function report(error: unknown): void {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(error);
  else {
    queueMicrotask(() => {
      throw error;
    });
  }
}
