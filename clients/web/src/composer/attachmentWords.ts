import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    attach: 'Attach files',
    attached: 'Attached files',
    drop: 'Drop files here to attach them',
    remove: (name: string) => `Remove ${name}`,
    cancel: (name: string) => `Cancel the upload of ${name}`,
    again: (name: string) => `Try again to upload ${name}`,
    progress: (name: string) => `Upload of ${name}`,
    tooLarge: (name: string, most: string) => `${name} is too large: files may have ${most} at most.`,
    tooMany: (most: number) => `A message may have at most ${most} files.`,
    nowhere: 'Open a conversation to send files.',
  },
  fr: {
    attach: 'Joindre des fichiers',
    attached: 'Fichiers joints',
    drop: 'Déposez les fichiers ici pour les joindre',
    remove: (name: string) => `Retirer ${name}`,
    cancel: (name: string) => `Annuler l’envoi de ${name}`,
    again: (name: string) => `Réessayer d’envoyer ${name}`,
    progress: (name: string) => `Envoi de ${name}`,
    tooLarge: (name: string, most: string) =>
      `${name} est trop volumineux : un fichier peut avoir ${most} au plus.`,
    tooMany: (most: number) => `Un message peut avoir au plus ${most} fichiers.`,
    nowhere: 'Ouvrez une conversation pour envoyer des fichiers.',
  },
});
