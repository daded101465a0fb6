import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    typing: (names: string, count: number) => (count === 1 ? `${names} is typing…` : `${names} are typing…`),
    typingMany: 'Several people are typing…',
    and: 'and',
  },
  fr: {
    typing: (names: string, count: number) => (count === 1 ? `${names} écrit…` : `${names} écrivent…`),
    typingMany: 'Plusieurs personnes écrivent…',
    and: 'et',
  },
});
