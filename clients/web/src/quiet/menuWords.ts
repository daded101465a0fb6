import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    everything: 'Notify me of everything',
    mentions: 'Only of mentions and keywords',
    nothing: 'Of nothing',
    hour: 'Mute for an hour',
    tomorrow: 'Mute until tomorrow',
    forever: 'Mute until I unmute it',
    unmute: 'Unmute',
    markUnread: 'Mark as unread from here',
    markedUnread: 'Unread from this message on.',
    allRead: 'Everything is marked as read.',
    readAllSure: 'Mark all of your conversations as read?',
    explain: 'Why was I notified, or not?',
    readAllDo: 'Mark all as read',
  },
  fr: {
    everything: 'Tout me signaler',
    mentions: 'Seulement les mentions et mots-clés',
    nothing: 'Ne rien me signaler',
    hour: 'Silence pendant une heure',
    tomorrow: 'Silence jusqu’à demain',
    forever: 'Silence jusqu’à nouvel ordre',
    unmute: 'Fin du silence',
    markUnread: 'Marquer non lu à partir d’ici',
    markedUnread: 'Non lu à partir de ce message.',
    allRead: 'Tout est marqué comme lu.',
    readAllSure: 'Marquer toutes vos conversations comme lues ?',
    explain: 'Pourquoi m’a-t-on prévenu, ou non ?',
    readAllDo: 'Tout marquer comme lu',
  },
});
