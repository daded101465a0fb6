import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    attached: 'Attached files',
    remove: (name: string) => `Remove ${name}`,
    cancel: (name: string) => `Cancel the upload of ${name}`,
    again: (name: string) => `Try again to upload ${name}`,
    progress: (name: string) => `Upload of ${name}`,
    tooLarge: (name: string, most: string) => `${name} is too large: files may have ${most} at most.`,
    tooMany: (most: number) => `A message may have at most ${most} files.`,
  },
  fr: {
    attached: 'Fichiers joints',
    remove: (name: string) => `Retirer ${name}`,
    cancel: (name: string) => `Annuler l’envoi de ${name}`,
    again: (name: string) => `Réessayer d’envoyer ${name}`,
    progress: (name: string) => `Envoi de ${name}`,
    tooLarge: (name: string, most: string) =>
      `${name} est trop volumineux : un fichier peut avoir ${most} au plus.`,
    tooMany: (most: number) => `Un message peut avoir au plus ${most} fichiers.`,
  },
});
