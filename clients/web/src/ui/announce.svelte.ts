let said = $state('');

/** The text of the one polite announcer. */
export function announcement(): string {
  return said;
}

/** Says something to screen readers, without moving anybody's focus. */
export function announce(text: string): void {
  // The same words twice are read once, unless something differs: a zero-width space does.
  said = text === said ? `${text}\u200b` : text;
}
