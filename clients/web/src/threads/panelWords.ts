import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    thread: 'Thread',
    log: 'Replies',
    threadIn: (where: string) => `Thread in ${where}`,
    replyInThread: 'Reply in thread',
    follow: 'Follow thread',
    unfollow: 'Stop following',
    close: 'Close thread',
    alsoInRoom: (name: string) => `Also send to ${name}`,
    write: 'Reply in the thread',
    earlier: 'Earlier replies',
    later: 'Newer replies',
    gone: 'This thread is not there any more, or you cannot see it.',
    none: 'You follow no threads yet. You follow those that you take part in.',
  },
  fr: {
    thread: 'Fil',
    log: 'Réponses',
    threadIn: (where: string) => `Fil dans ${where}`,
    replyInThread: 'Répondre dans un fil',
    follow: 'Suivre le fil',
    unfollow: 'Ne plus suivre',
    close: 'Fermer le fil',
    alsoInRoom: (name: string) => `Envoyer aussi dans ${name}`,
    write: 'Répondre dans le fil',
    earlier: 'Réponses précédentes',
    later: 'Réponses suivantes',
    gone: 'Ce fil n’existe plus, ou vous ne pouvez pas le voir.',
    none: 'Vous ne suivez encore aucun fil. Vous suivez ceux auxquels vous participez.',
  },
});
