import type { Part } from './part.js';

/** What is shown of parts, without markers: each quote, heading, item and block of code on lines of its own, items behind
    `•` or their number. */
export function plainOf(parts: readonly Part[]): string {
  let text = '';
  let breaks = false;
  const piece = (it: string) => {
    if (it === '') return;
    if (breaks && text !== '' && !/[\r\n]$/.test(text)) text += '\n';
    breaks = false;
    text += it;
  };
  const block = (sign: string, content: () => void) => {
    breaks = true;
    piece(sign);
    content();
    breaks = true;
  };
  const add = (part: Part): void => {
    switch (part.kind) {
      case 'strong':
      case 'emphasis':
      case 'strike':
      case 'list':
        return part.parts.forEach(add);
      case 'quote':
      case 'heading':
        return block('', () => part.parts.forEach(add));
      case 'item':
        return block(part.number === undefined ? '• ' : `${part.number}. `, () => part.parts.forEach(add));
      case 'code':
        return part.block ? block('', () => piece(part.text.replace(/[\r\n]+$/, ''))) : piece(part.text);
      default:
        piece(part.text);
    }
  };
  parts.forEach(add);
  return text;
}
