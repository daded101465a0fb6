import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    close: 'Close',
    dismiss: 'Dismiss',
    loading: 'Loading…',
    cancel: 'Cancel',
    more: 'More',
    notLoaded: 'This part could not be loaded. Load the page anew once you are connected.',
    reload: 'Load the page anew',
    copied: 'Copied.',
    copyFailed: 'Your browser does not let this page copy.',
  },
  fr: {
    close: 'Fermer',
    dismiss: 'Masquer',
    loading: 'Chargement…',
    cancel: 'Annuler',
    more: 'Plus',
    notLoaded: 'Cette partie n’a pas pu être chargée. Rechargez la page une fois connecté.',
    reload: 'Recharger la page',
    copied: 'Copié.',
    copyFailed: 'Votre navigateur ne laisse pas cette page copier.',
  },
});
