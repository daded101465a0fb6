import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    attach: 'Attach files',
    drop: 'Drop files here to attach them',
    nowhere: 'Open a conversation to send files.',
  },
  fr: {
    attach: 'Joindre des fichiers',
    drop: 'Déposez les fichiers ici pour les joindre',
    nowhere: 'Ouvrez une conversation pour envoyer des fichiers.',
  },
});
