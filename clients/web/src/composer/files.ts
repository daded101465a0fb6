import { speak } from '../i18n.svelte';
import { toast } from '../ui/toasts.svelte';

const t = speak({
  en: { noFiles: 'Files cannot be sent here yet. Your text is still there.' },
  fr: { noFiles: 'On ne peut pas encore envoyer de fichiers ici. Votre texte est toujours là.' },
});

const hasFiles = (data: DataTransfer | null) => data?.types.includes('Files') ?? false;

/** A file over the page is ours to refuse: else the browser would open it, and leave the page. */
export function overPage(event: DragEvent): void {
  if (hasFiles(event.dataTransfer)) event.preventDefault();
}

/** Says that a file that was dropped cannot be sent. */
export function dropped(event: DragEvent): void {
  if (!hasFiles(event.dataTransfer)) return;
  event.preventDefault();
  toast(t().noFiles, 'error');
}

/** Says that a picture that was pasted cannot be sent; a text that comes with it is pasted as usual. */
export function pasted({ clipboardData }: ClipboardEvent): void {
  if (hasFiles(clipboardData) && !clipboardData?.types.includes('text/plain')) toast(t().noFiles, 'error');
}
