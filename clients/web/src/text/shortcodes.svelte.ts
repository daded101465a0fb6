/** Emoji by their names; loaded with the first text that has one. */
let names = $state.raw<ReadonlyMap<string, string> | null>(null);
let asked: Promise<ReadonlyMap<string, string>> | null = null;

/** All names, in their order, each with its emoji. What could not be loaded is loaded when it is next wanted. */
export function loadNames(): Promise<ReadonlyMap<string, string>> {
  asked ??= import('virtual:shortcodes').then(
    ({ default: list }) => (names = new Map(list)),
    () => {
      asked = null;
      return new Map<string, string>();
    },
  );
  return asked;
}

/** The emoji of this name, if there is one and the names are loaded. */
export function emojiOf(name: string): string | undefined {
  if (!names) void loadNames();
  return names?.get(name);
}
