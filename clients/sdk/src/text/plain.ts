import type { Part } from './part.js';

/** Is told of each part that has a text: what is shown of it, and after how many Unicode scalar values. */
type Each<P> = (part: P, shown: string, at: number) => void;

/** What is shown of parts, without markers: each quote, heading, item and block of code on lines of its own, items behind
    `•` or their number. */
export function plainOf<P extends Part>(parts: readonly P[], each?: Each<P>): string {
  let text = '';
  let length = 0;
  let breaks = false;
  const put = (it: string) => {
    text += it;
    if (each) length += [...it].length;
  };
  const piece = (it: string, of?: P) => {
    if (it === '') return;
    if (breaks && text !== '' && !/[\r\n]$/.test(text)) put('\n');
    breaks = false;
    if (of) each?.(of, it, length);
    put(it);
  };
  const block = (sign: string, content: () => void) => {
    breaks = true;
    piece(sign);
    content();
    breaks = true;
  };
  const add = (of: P): void => {
    const part: Part = of;
    const addAll = (parts: readonly Part[]) => (parts as readonly P[]).forEach(add);
    switch (part.kind) {
      case 'strong':
      case 'emphasis':
      case 'strike':
      case 'list':
        return addAll(part.parts);
      case 'quote':
      case 'heading':
        return block('', () => addAll(part.parts));
      case 'item':
        return block(part.number === undefined ? '• ' : `${part.number}. `, () => addAll(part.parts));
      case 'code':
        return part.block
          ? block('', () => piece(part.text.replace(/[\r\n]+$/, ''), of))
          : piece(part.text, of);
      default:
        piece(part.text, of);
    }
  };
  parts.forEach(add);
  return text;
}
