import { speak } from '../i18n.svelte';

export const t = speak({
  en: { preview: 'Preview of the link', remove: 'Remove the preview' },
  fr: { preview: 'Aperçu du lien', remove: 'Retirer l’aperçu' },
});
