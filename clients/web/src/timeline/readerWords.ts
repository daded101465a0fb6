import { plural, speak } from '../i18n.svelte';

export const t = speak({
  en: { title: (count: number) => plural(count, 'Read by # person', 'Read by # people') },
  fr: { title: (count: number) => plural(count, 'Lu par # personne', 'Lu par # personnes') },
});
