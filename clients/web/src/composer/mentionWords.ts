import { plural, speak } from '../i18n.svelte';

export const t = speak({
  en: {
    people: 'People to mention',
    everybody: 'Everybody in this conversation',
    present: 'Everybody who is present',
    group: (size: number) => plural(size, 'Group of # person', 'Group of # people'),
  },
  fr: {
    people: 'Personnes à mentionner',
    everybody: 'Tout le monde dans cette conversation',
    present: 'Toutes les personnes présentes',
    group: (size: number) => plural(size, 'Groupe de # personne', 'Groupe de # personnes'),
  },
});
