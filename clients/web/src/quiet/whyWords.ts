import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    whyKeyword: (word: string) => `You were notified: your keyword “${word}” is in it.`,
    whyMutedUntil: (end: string) => `You were not notified: the conversation is muted until ${end}.`,
    why_own: 'You were not notified: you wrote it.',
    why_deleted: 'You were not notified: it is deleted.',
    why_read: 'You were not notified: you had read it.',
    why_muted: 'You were not notified: the conversation is muted.',
    why_nothing: 'You were not notified: nothing notifies you in this conversation.',
    why_not_mentioned: 'You were not notified: only mentions and keywords notify you here.',
    why_quiet_hours: 'You were not notified: it came within your quiet hours.',
    why_busy: 'You were not notified: you were busy.',
    why_mentioned: 'You were notified: it mentions you.',
    why_keyword: 'You were notified: one of your keywords is in it.',
    why_everything: 'You were notified: everything notifies you in this conversation.',
    thread_nothing: 'You were not notified: nothing notifies you in this thread.',
    thread_not_mentioned: 'You were not notified: only mentions and keywords notify you in this thread.',
    thread_everything: 'You were notified: everything notifies you in this thread.',
  },
  fr: {
    whyKeyword: (word: string) => `Il vous a été signalé : il contient votre mot-clé « ${word} ».`,
    whyMutedUntil: (end: string) =>
      `Il ne vous a pas été signalé : la conversation est en silence jusqu’à ${end}.`,
    why_own: 'Il ne vous a pas été signalé : il est de vous.',
    why_deleted: 'Il ne vous a pas été signalé : il est supprimé.',
    why_read: 'Il ne vous a pas été signalé : vous l’aviez lu.',
    why_muted: 'Il ne vous a pas été signalé : la conversation est en silence.',
    why_nothing: 'Il ne vous a pas été signalé : rien ne vous est signalé dans cette conversation.',
    why_not_mentioned:
      'Il ne vous a pas été signalé : seuls les mentions et mots-clés vous sont signalés ici.',
    why_quiet_hours: 'Il ne vous a pas été signalé : il est arrivé pendant vos heures calmes.',
    why_busy: 'Il ne vous a pas été signalé : vous étiez occupé.',
    why_mentioned: 'Il vous a été signalé : il vous mentionne.',
    why_keyword: 'Il vous a été signalé : il contient un de vos mots-clés.',
    why_everything: 'Il vous a été signalé : tout vous est signalé dans cette conversation.',
    thread_nothing: 'Il ne vous a pas été signalé : rien ne vous est signalé dans ce fil.',
    thread_not_mentioned:
      'Il ne vous a pas été signalé : seuls les mentions et mots-clés vous sont signalés dans ce fil.',
    thread_everything: 'Il vous a été signalé : tout vous est signalé dans ce fil.',
  },
});
