import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    linkOpens: 'opens in a new tab',
    copyCode: 'Copy the code',
    aMessage: 'a message',
  },
  fr: {
    linkOpens: 's’ouvre dans un nouvel onglet',
    copyCode: 'Copier le code',
    aMessage: 'un message',
  },
});
