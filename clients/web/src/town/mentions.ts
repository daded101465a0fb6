/** Whether a text calls somebody by `@username`. */
export function mentions(text: string | null, username: string): boolean {
  const names = (text ?? '').toLowerCase().match(/@[a-z0-9_-]+/g) ?? ([] as string[]);
  return names.includes(`@${username.toLowerCase()}`);
}
