import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    attach: 'Attach files',
    photo: 'Take a photo',
    drop: 'Drop files here to attach them',
    nowhere: 'Open a conversation to send files.',
  },
  fr: {
    attach: 'Joindre des fichiers',
    photo: 'Prendre une photo',
    drop: 'Déposez les fichiers ici pour les joindre',
    nowhere: 'Ouvrez une conversation pour envoyer des fichiers.',
  },
});
