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
    people: 'People to mention',
    everybody: 'Everybody in this conversation',
    present: 'Everybody who is present',
    group: (size: number) => plural(size, 'Group of # person', 'Group of # people'),
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
    people: 'Personnes à mentionner',
    everybody: 'Tout le monde dans cette conversation',
    present: 'Toutes les personnes présentes',
    group: (size: number) => plural(size, 'Groupe de # personne', 'Groupe de # personnes'),
    reaches: (people: number) =>
      plural(people, 'Ce message atteint # personne.', 'Ce message atteint # personnes.'),
    reach: 'Envoyer à tout le monde',
  },
});
