import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    title: 'Earlier texts',
    now: 'Now',
    none: 'No earlier text of this message was kept.',
    more: 'Show older ones',
    by: (name: string) => `by ${name}`,
    removed: 'Removed:',
    added: 'Added:',
    keep: 'Keep earlier texts of edited messages',
    keepHint:
      'Members can then read what a message said before it was edited. Without it, those texts are removed.',
    kept: 'Earlier texts of edited messages are kept here.',
  },
  fr: {
    title: 'Textes précédents',
    now: 'Maintenant',
    none: 'Aucun texte précédent de ce message n’a été gardé.',
    more: 'Afficher les plus anciens',
    by: (name: string) => `par ${name}`,
    removed: 'Retiré :',
    added: 'Ajouté :',
    keep: 'Garder les textes précédents des messages modifiés',
    keepHint:
      'Les membres peuvent alors lire ce qu’un message disait avant sa modification. Sans cela, ces textes sont effacés.',
    kept: 'Les textes précédents des messages modifiés sont gardés ici.',
  },
});
