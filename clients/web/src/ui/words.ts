import { speak } from '../i18n.svelte';

export const t = speak({
  en: { close: 'Close', dismiss: 'Dismiss', loading: 'Loading…', cancel: 'Cancel', more: 'More' },
  fr: { close: 'Fermer', dismiss: 'Masquer', loading: 'Chargement…', cancel: 'Annuler', more: 'Plus' },
});
