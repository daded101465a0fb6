import { tick } from 'svelte';
import { coded, continued, isInBlock, linked, styled, type Selected } from './format';

/** What in a page that was copied is worth a marker. Without any of it the plain text is as good. */
const FORMATTED =
  /<(?:b|strong|i|em|s|del|strike|code|pre|[uo]l|blockquote|h[1-6])\b|<a\s[^>]*href|font-weight:\s*(?:bold|[6-9]00)/i;

/** Changes a field's text by what one does besides typing. */
export class Editing {
  readonly #box: () => HTMLTextAreaElement | null;
  readonly #changed: (text: string) => void;

  /** `changed` is told every text, before the caret is put into its place. */
  constructor(box: () => HTMLTextAreaElement | null, changed: (text: string) => void) {
    this.#box = box;
    this.#changed = changed;
  }

  /** Changes the text and what is selected of it; false if the change does not want to. */
  format(change: (selected: Selected) => Selected | null): boolean {
    const box = this.#box();
    const changed = box && change({ text: box.value, from: box.selectionStart, to: box.selectionEnd });
    if (changed) void this.#put(box, changed);
    return Boolean(changed);
  }

  /** Puts a piece in the place of what stands between two places; where none are given, of what is selected. */
  insert(piece: string, begin?: number, end?: number): void {
    this.format(({ text, from, to }) => {
      const at = (begin ?? from) + piece.length;
      return { text: text.slice(0, begin ?? from) + piece + text.slice(end ?? to), from: at, to: at };
    });
  }

  /** Whether a key has done what it does in a text, or has still to do it itself; false if it is somebody else's. */
  takes(event: KeyboardEvent): boolean {
    const change = changeOf(event);
    if (change) {
      event.preventDefault();
      return this.format(change);
    }
    if (event.key !== 'Enter' || event.ctrlKey || event.metaKey) return false;
    // On a phone's keyboard Enter is the only way to a new line; in a block of code it is one, too.
    const touch = matchMedia('(pointer: coarse)').matches;
    let inBlock = false;
    this.format((it) => ((inBlock = isInBlock(it)), null));
    if (!event.shiftKey && !touch && !inBlock) return false;
    if (this.format(continued)) event.preventDefault();
    return true;
  }

  /** Formatting that was copied becomes that of a text; an address over a text makes a link of it. */
  pasted(event: ClipboardEvent): void {
    const data = event.clipboardData;
    if (!data || data.types.includes('Files')) return;
    const [text, html] = [data.getData('text/plain'), data.getData('text/html')];
    let plain = false;
    this.format((it) => ((plain = isInBlock(it)), null));
    if (plain) return;
    const over = (it: Selected) =>
      it.from < it.to && !/[\n`]|:\/\//.test(it.text.slice(it.from, it.to)) ? linked(it, text.trim()) : null;
    if (/^\s*https?:\/\/\S+\s*$/i.test(text) && this.format(over)) event.preventDefault();
    else if (FORMATTED.test(html)) {
      event.preventDefault();
      import('./pasted').then(
        ({ ofHtml }) => this.insert(ofHtml(html) ?? text),
        () => this.insert(text),
      );
    }
  }

  async #put(box: HTMLTextAreaElement, { text, from, to }: Selected): Promise<void> {
    box.focus();
    typeInto(box, text);
    this.#changed(text);
    await tick();
    // What was open meanwhile gives the focus back to where it was.
    box.focus();
    box.setSelectionRange(from, to);
    this.#changed(text);
  }
}

/** What a key does to the text: Ctrl+B, Ctrl+I, Ctrl+E, Ctrl+Shift+X; on a Mac with ⌘. */
function changeOf({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent) {
  const isMac = /^mac/i.test(navigator.platform);
  if (altKey || (isMac ? !metaKey || ctrlKey : !ctrlKey || metaKey)) return null;
  switch (shiftKey ? key.toUpperCase() : key) {
    case 'b':
      return (it: Selected) => styled(it, '**');
    case 'i':
      return (it: Selected) => styled(it, '*');
    case 'e':
      return coded;
    case 'X':
      return (it: Selected) => styled(it, '~~');
    default:
      return null;
  }
}

/** Makes a change as if it were typed, so that the browser can undo it. */
function typeInto(box: HTMLTextAreaElement, text: string): void {
  const before = box.value;
  const least = Math.min(before.length, text.length);
  let [start, end] = [0, 0];
  while (start < least && before[start] === text[start]) start += 1;
  while (end < least - start && before.at(-1 - end) === text.at(-1 - end)) end += 1;
  box.setSelectionRange(start, before.length - end);
  const put = text.slice(start, text.length - end);
  document.execCommand(put === '' ? 'delete' : 'insertText', false, put);
}
