import { speak } from '../i18n.svelte';

export const t = speak({
  en: { files: 'Files', download: 'Download' },
  fr: { files: 'Fichiers', download: 'Télécharger' },
});
