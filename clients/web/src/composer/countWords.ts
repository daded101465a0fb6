import { plural, speak } from '../i18n.svelte';

export const t = speak({
  en: {
    left: (count: number) => plural(count, '# character left', '# characters left'),
    tooLong: (count: number) => plural(count, '# character too many', '# characters too many'),
  },
  fr: {
    left: (count: number) => plural(count, '# caractère restant', '# caractères restants'),
    tooLong: (count: number) => plural(count, '# caractère de trop', '# caractères de trop'),
  },
});
