import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    title: 'Saved messages',
    why: 'Messages that you want to find again, on all your devices. Only you see this list.',
    none: 'You have saved no messages. Choose “Save” in the menu of a message.',
    savedAt: (when: string) => `Saved ${when}`,
    gone: 'This message was deleted, or you no longer see it.',
    show: 'Show',
    showOf: (text: string) => `Show: ${text}`,
    remove: 'Remove',
    removeOf: (text: string) => `Remove from saved messages: ${text}`,
    more: 'Show more',
  },
  fr: {
    title: 'Messages enregistrés',
    why: 'Les messages que vous voulez retrouver, sur tous vos appareils. Vous seul voyez cette liste.',
    none: 'Vous n’avez enregistré aucun message. Choisissez « Enregistrer » dans le menu d’un message.',
    savedAt: (when: string) => `Enregistré ${when}`,
    gone: 'Ce message a été supprimé, ou vous ne le voyez plus.',
    show: 'Voir',
    showOf: (text: string) => `Voir : ${text}`,
    remove: 'Retirer',
    removeOf: (text: string) => `Retirer des messages enregistrés : ${text}`,
    more: 'Afficher plus',
  },
});
