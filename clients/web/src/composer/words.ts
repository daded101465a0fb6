import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    write: (where: string) => `Write to ${where}`,
    send: 'Send',
    save: 'Save',
    emoji: 'Emoji',
    formatting: 'Formatting',
    replying: (name: string) => `Replying to ${name}`,
    editing: 'Editing your message',
    stop: 'Cancel',
    people: 'People to mention',
  },
  fr: {
    write: (where: string) => `Écrire à ${where}`,
    send: 'Envoyer',
    save: 'Enregistrer',
    emoji: 'Émoji',
    formatting: 'Mise en forme',
    replying: (name: string) => `Réponse à ${name}`,
    editing: 'Modification de votre message',
    stop: 'Annuler',
    people: 'Personnes à mentionner',
  },
});
