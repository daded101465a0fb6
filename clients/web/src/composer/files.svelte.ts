import { toast } from '../ui/toasts.svelte';
import { t } from './attachmentWords';

type Taker = (files: readonly File[]) => void;

/** What takes files that are dropped onto the page or pasted: the composer that is open. */
let taker: Taker | null = null;
let over = $state(false);

/** Whether files are held over the page that would be taken. */
export const filesAreOver = () => over;

/** From here on these take files; returns a function that ends it. */
export function takeFiles(take: Taker): () => void {
  taker = take;
  return () => {
    if (taker === take) taker = null;
  };
}

const hasFiles = (data: DataTransfer | null) => data?.types.includes('Files') ?? false;

/** A file over the page is ours: else the browser would open it, and leave the page. */
export function overPage(event: DragEvent): void {
  if (!hasFiles(event.dataTransfer)) return;
  event.preventDefault();
  over = taker !== null;
}

/** The files are held elsewhere. */
export function leftPage({ relatedTarget }: DragEvent): void {
  if (relatedTarget === null) over = false;
}

export function dropped(event: DragEvent): void {
  over = false;
  if (!hasFiles(event.dataTransfer)) return;
  event.preventDefault();
  give([...(event.dataTransfer?.files ?? [])]);
}

/** Takes pictures and files that are pasted; a text that comes with a picture of itself is pasted as usual. */
export function pasted(event: ClipboardEvent): void {
  const { clipboardData } = event;
  if (!hasFiles(clipboardData) || clipboardData?.types.includes('text/plain')) return;
  event.preventDefault();
  give([...(clipboardData?.files ?? [])]);
}

function give(files: readonly File[]): void {
  if (files.length === 0) return;
  if (taker) taker(files);
  else toast(t().nowhere, 'error');
}
