/** A text, and what is selected of it. */
export interface Selected {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** The lines before and after a block of code. */
export const FENCE = '```';

/** Whether the caret stands in a block of code that is not closed before it. */
export function isInBlock({ text, from }: Selected): boolean {
  return text.slice(0, from).split(FENCE).length % 2 === 0;
}

const LINE = /^([ \t]*)(?:([-*•])|(\d{1,3})([.)])|((?:> ?)*>))([ \t]+)(.*)$/s;

/** A new line in a list or a quote goes on with it; behind an item with nothing in it the list ends. Null where the line
    is any other. */
export function continued(selected: Selected): Selected | null {
  const { text, from, to } = selected;
  if (isInBlock(selected)) return null;
  const begin = text.lastIndexOf('\n', from - 1) + 1;
  const match = LINE.exec(text.slice(begin, from));
  if (!match) return null;
  const [, indent = '', bullet, number, dot = '', quote, blank = ' ', content = ''] = match;
  if (content.trim() === '') return { text: text.slice(0, begin) + text.slice(to), from: begin, to: begin };
  const sign = bullet ?? quote ?? `${Math.min(Number(number) + 1, 999)}${dot}`;
  const put = `\n${indent}${sign}${blank}`;
  const at = from + put.length;
  return { text: text.slice(0, from) + put + text.slice(to), from: at, to: at };
}
