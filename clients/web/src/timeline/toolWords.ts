import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    reply: 'Reply',
    react: 'React',
    edit: 'Edit',
    copyLink: 'Copy link',
    remind: 'Remind me',
    more: 'More',
    actions: 'Message actions',
  },
  fr: {
    reply: 'Répondre',
    react: 'Réagir',
    edit: 'Modifier',
    copyLink: 'Copier le lien',
    remind: 'Me le rappeler',
    more: 'Plus',
    actions: 'Actions sur ce message',
  },
});
