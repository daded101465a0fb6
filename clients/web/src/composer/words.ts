import { plural, speak } from '../i18n.svelte';

export const t = speak({
  en: {
    write: (where: string) => `Write to ${where}`,
    send: 'Send',
    save: 'Save',
    emoji: 'Emoji',
    record: 'Record a voice message',
    formatting: 'Formatting',
    tools: 'Tools for writing',
    replying: (name: string) => `Replying to ${name}`,
    editing: 'Editing your message',
    stop: 'Cancel',
    reaches: (people: number) =>
      plural(people, 'This message reaches # person.', 'This message reaches # people.'),
    reach: 'Send to all of them',
  },
  fr: {
    write: (where: string) => `Écrire à ${where}`,
    send: 'Envoyer',
    save: 'Enregistrer',
    emoji: 'Émoji',
    record: 'Enregistrer un message vocal',
    formatting: 'Mise en forme',
    tools: 'Outils d’écriture',
    replying: (name: string) => `Réponse à ${name}`,
    editing: 'Modification de votre message',
    stop: 'Annuler',
    reaches: (people: number) =>
      plural(people, 'Ce message atteint # personne.', 'Ce message atteint # personnes.'),
    reach: 'Envoyer à tout le monde',
  },
});
