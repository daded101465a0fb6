import { toast } from './toasts.svelte';
import { t } from './words';

/** Puts a text into the clipboard, and says whether that went well. */
export async function copy(text: string): Promise<void> {
  if ((await byClipboard(text)) || bySelection(text)) toast(t().copied);
  else toast(t().copyFailed, 'error');
}

/** Only over https and on this machine itself. */
async function byClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** By a selection, which works over plain http too. */
function bySelection(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'unseen';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}
