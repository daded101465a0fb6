import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    linkOpens: 'opens in a new tab',
    copyCode: 'Copy the code',
    aMessage: 'a message',
    voice: (time: string) => `Voice message, ${time}`,
    of: (name: string, where: string) => `${name} in ${where}`,
  },
  fr: {
    linkOpens: 's’ouvre dans un nouvel onglet',
    copyCode: 'Copier le code',
    aMessage: 'un message',
    voice: (time: string) => `Message vocal, ${time}`,
    of: (name: string, where: string) => `${name} dans ${where}`,
  },
});
