import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    close: 'Close',
    dismiss: 'Dismiss',
    loading: 'Loading…',
    cancel: 'Cancel',
    notLoaded: 'This part could not be loaded. Reload the page once you are connected.',
    reload: 'Reload the page',
    copied: 'Copied.',
    copyFailed: 'Your browser does not let this page copy.',
  },
  fr: {
    close: 'Fermer',
    dismiss: 'Masquer',
    loading: 'Chargement…',
    cancel: 'Annuler',
    notLoaded: 'Cette partie n’a pas pu être chargée. Rechargez la page une fois connecté.',
    reload: 'Recharger la page',
    copied: 'Copié.',
    copyFailed: 'Votre navigateur ne laisse pas cette page copier.',
  },
});
