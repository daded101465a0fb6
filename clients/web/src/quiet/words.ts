import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    menu: 'Notifications of this conversation',
    muted: 'muted',
    readAll: 'Mark all as read',
  },
  fr: {
    menu: 'Notifications de cette conversation',
    muted: 'en silence',
    readAll: 'Tout marquer comme lu',
  },
});
