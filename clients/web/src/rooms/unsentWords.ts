import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    keptUnsent: 'What you were writing there is kept: see “Not sent” above the list of conversations.',
    unsentTitle: 'Not sent',
    unsentWhy: 'The conversations of these texts are no longer yours. Copy what you need.',
    unsentTo: (where: string) => `For ${where}`,
    unsentEdit: 'A change of a message that is gone',
    nowhere: 'a conversation that you are no longer in',
    copy: 'Copy',
    discard: 'Discard',
    notSent: (text: string) => `Not sent, because you are no longer in that conversation: “${text}”`,
  },
  fr: {
    keptUnsent: 'Ce que vous y écriviez est gardé : voyez « Non envoyé » au-dessus de la liste.',
    unsentTitle: 'Non envoyé',
    unsentWhy: 'Les conversations de ces textes ne sont plus les vôtres. Copiez ce qu’il vous faut.',
    unsentTo: (where: string) => `Pour ${where}`,
    unsentEdit: 'La modification d’un message disparu',
    nowhere: 'une conversation dont vous ne faites plus partie',
    copy: 'Copier',
    discard: 'Abandonner',
    notSent: (text: string) =>
      `Non envoyé, car vous ne faites plus partie de cette conversation : « ${text} »`,
  },
});
