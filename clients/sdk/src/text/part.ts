/** A part that has neither parts nor a meaning beyond its kind and these fields. */
export type Leaf =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'mention'; readonly text: string; readonly username: string }
  /** `#name` of a room. */
  | { readonly kind: 'room'; readonly text: string; readonly name: string }
  /** `:name:`, the name in small letters. */
  | { readonly kind: 'emoji'; readonly text: string; readonly name: string }
  /** Text between backticks; between three of them it is a block, with its lines, and may name its language. */
  | { readonly kind: 'code'; readonly text: string; readonly block: boolean; readonly language?: string };

/** A link; one with a text of its own has that text's parts. */
export interface Link<P> {
  readonly kind: 'link';
  readonly text: string;
  readonly href: string;
  readonly parts?: readonly P[];
}

/** A style, a quote or a list. */
export interface Group<P> {
  readonly kind: 'strong' | 'emphasis' | 'strike' | 'quote' | 'list';
  readonly parts: readonly P[];
}

/** A heading, of the level 1, 2 or 3. */
export interface Heading<P> {
  readonly kind: 'heading';
  readonly level: number;
  readonly parts: readonly P[];
}

/** An item of a list; of a numbered one with the number that was written. */
export interface Item<P> {
  readonly kind: 'item';
  readonly number?: number;
  readonly parts: readonly P[];
}

/** A part of a text. */
export type Part = Leaf | Link<Part> | Group<Part> | Heading<Part> | Item<Part>;

/** Where a part stands in the whole text, from and to, counted in Unicode scalar values. */
interface Place {
  readonly from: number;
  readonly to: number;
}

/** A part with its place. */
export type Span = Place & (Leaf | Link<Span> | Group<Span> | Heading<Span> | Item<Span>);

/** A part by its place in code units; `parts` are in their order. */
export interface Found {
  /** All but its parts. */
  readonly what:
    | Leaf
    | Omit<Link<never>, 'parts'>
    | { readonly kind: Nest; readonly level?: number; readonly number?: number };
  readonly start: number;
  end: number;
  readonly parts: Found[];
}

type Nest = Group<never>['kind'] | 'heading' | 'item';

export const literal = (text: string, start: number, end: number): Found => ({
  what: { kind: 'text', text: text.slice(start, end) },
  start,
  end,
  parts: [],
});

/** Adds a part; neighbouring texts become one, and what is empty is left out. */
export function push(out: Found[], text: string, found: Found): void {
  if (found.start >= found.end) return;
  const last = out.at(-1);
  if (last?.what.kind === 'text' && found.what.kind === 'text' && last.end === found.start)
    out[out.length - 1] = literal(text, last.start, found.end);
  else out.push(found);
}
