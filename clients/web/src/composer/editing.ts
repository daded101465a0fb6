import { tick } from 'svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from '../ui/words';
import { continued, isInBlock, type Selected } from './lines';

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
    // Loaded with the first key, so that it is there with the first shortcut.
    const formats = import('./format');
    formats.catch(() => {});
    const marker = markerOf(event);
    if (marker !== null) {
      event.preventDefault();
      formats.then(
        ({ coded, styled }) => this.format((it) => (marker === '`' ? coded(it) : styled(it, marker))),
        () => toast(t().notLoaded, 'error'),
      );
      return true;
    }
    if (event.key !== 'Enter' || event.ctrlKey || event.metaKey) return false;
    // On a phone's keyboard Enter is the only way to a new line; in a block of code it is one, too.
    const touch = matchMedia('(pointer: coarse)').matches;
    const inBlock = this.#isInBlock();
    if (!event.shiftKey && !touch && !inBlock) return false;
    if (this.format(continued)) event.preventDefault();
    return true;
  }

  /** Formatting that was copied becomes that of a text; an address over a text makes a link of it. */
  pasted(event: ClipboardEvent): void {
    const data = event.clipboardData;
    if (!data || data.types.includes('Files')) return;
    const [text, html] = [data.getData('text/plain'), data.getData('text/html')];
    if (this.#isInBlock()) return;
    const over = this.#selected();
    const mayBeLinked = over !== '' && !/[\n`]|:\/\//.test(over);
    if (mayBeLinked && /^\s*https?:\/\/\S+\s*$/i.test(text)) {
      event.preventDefault();
      import('./format').then(
        ({ linked }) => this.format((it) => linked(it, text.trim())),
        () => this.insert(text),
      );
    } else if (FORMATTED.test(html)) {
      event.preventDefault();
      import('./pasted').then(
        ({ ofHtml }) => this.insert(ofHtml(html) ?? text),
        () => this.insert(text),
      );
    }
  }

  #isInBlock(): boolean {
    const box = this.#box();
    return box !== null && isInBlock({ text: box.value, from: box.selectionStart, to: box.selectionEnd });
  }

  #selected(): string {
    const box = this.#box();
    return box?.value.slice(box.selectionStart, box.selectionEnd) ?? '';
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

/** The marker that a key puts around what is selected: Ctrl+B, Ctrl+I, Ctrl+E, Ctrl+Shift+X; on a Mac with ⌘. */
function markerOf({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent) {
  const isMac = /^mac/i.test(navigator.platform);
  if (altKey || (isMac ? !metaKey || ctrlKey : !ctrlKey || metaKey)) return null;
  switch (shiftKey ? key.toUpperCase() : key) {
    case 'b':
      return '**';
    case 'i':
      return '*';
    case 'e':
      return '`';
    case 'X':
      return '~~';
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
