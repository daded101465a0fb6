import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    welcome: 'Welcome',
    welcomeHint: 'Choose a conversation, find a room, or start one of your own.',
  },
  fr: {
    welcome: 'Bienvenue',
    welcomeHint: 'Choisissez une conversation, trouvez un salon ou ouvrez le vôtre.',
  },
});
