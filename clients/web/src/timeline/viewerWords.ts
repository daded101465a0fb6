import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    previous: 'Previous picture',
    next: 'Next picture',
    larger: 'Larger',
    smaller: 'Smaller',
    place: (nth: number, all: number) => `Picture ${nth} of ${all}`,
    wrong: 'The picture cannot be shown.',
  },
  fr: {
    previous: 'Image précédente',
    next: 'Image suivante',
    larger: 'Agrandir',
    smaller: 'Réduire',
    place: (nth: number, all: number) => `Image ${nth} sur ${all}`,
    wrong: 'L’image ne peut pas être affichée.',
  },
});
