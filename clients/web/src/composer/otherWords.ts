import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    other: 'Another draft from another device:',
    here: 'What you wrote here:',
    use: 'Use it',
    leave: 'Dismiss',
  },
  fr: {
    other: 'Un autre brouillon, d’un autre appareil :',
    here: 'Ce que vous avez écrit ici :',
    use: 'Le reprendre',
    leave: 'Ignorer',
  },
});
