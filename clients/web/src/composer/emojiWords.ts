import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    searchEmoji: 'Search emoji',
    noEmoji: 'No results.',
    smileys: 'Smileys',
    body: 'People',
    nature: 'Nature',
    food: 'Food',
    travel: 'Travel',
    activities: 'Activities',
    objects: 'Objects',
    symbols: 'Symbols',
    flags: 'Flags',
    recent: 'Recent',
    custom: 'Of this server',
  },
  fr: {
    searchEmoji: 'Chercher un émoji',
    noEmoji: 'Aucun résultat.',
    smileys: 'Smileys',
    body: 'Personnes',
    nature: 'Nature',
    food: 'Nourriture',
    travel: 'Voyages',
    activities: 'Activités',
    objects: 'Objets',
    symbols: 'Symboles',
    flags: 'Drapeaux',
    recent: 'Récents',
    custom: 'De ce serveur',
  },
});
