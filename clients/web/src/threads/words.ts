import { plural, speak } from '../i18n.svelte';

export const t = speak({
  en: {
    unread: (count: number) => plural(count, '# unread reply', '# unread replies'),
    unreadThreads: (count: number) =>
      plural(count, '# thread with new replies', '# threads with new replies'),
    replies: (count: number) => plural(count, '# reply', '# replies'),
    by: (names: string) => `by ${names}`,
    last: (when: string) => `last ${when}`,
    open: 'Open thread',
  },
  fr: {
    unread: (count: number) => plural(count, '# réponse non lue', '# réponses non lues'),
    unreadThreads: (count: number) =>
      plural(count, '# fil avec de nouvelles réponses', '# fils avec de nouvelles réponses'),
    replies: (count: number) => plural(count, '# réponse', '# réponses'),
    by: (names: string) => `de ${names}`,
    last: (when: string) => `la dernière ${when}`,
    open: 'Ouvrir le fil',
  },
});
