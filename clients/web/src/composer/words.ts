import { plural, speak } from '../i18n.svelte';

export const t = speak({
  en: {
    write: (where: string) => `Write to ${where}`,
    send: 'Send',
    save: 'Save',
    emoji: 'Emoji',
    replying: (name: string) => `Replying to ${name}`,
    editing: 'Editing your message',
    stop: 'Cancel',
    left: (count: number) => plural(count, '# character left', '# characters left'),
    tooLong: (count: number) => plural(count, '# character too many', '# characters too many'),
    people: 'People to mention',
  },
  fr: {
    write: (where: string) => `Écrire à ${where}`,
    send: 'Envoyer',
    save: 'Enregistrer',
    emoji: 'Émoji',
    replying: (name: string) => `Réponse à ${name}`,
    editing: 'Modification de votre message',
    stop: 'Annuler',
    left: (count: number) => plural(count, '# caractère restant', '# caractères restants'),
    tooLong: (count: number) => plural(count, '# caractère de trop', '# caractères de trop'),
    people: 'Personnes à mentionner',
  },
});
