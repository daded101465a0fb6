import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    save: 'Save',
    unsave: 'Remove from saved messages',
    isSaved: 'Saved. Find it in your menu, under “Saved messages”.',
    isUnsaved: 'Removed from your saved messages.',
  },
  fr: {
    save: 'Enregistrer',
    unsave: 'Retirer des messages enregistrés',
    isSaved: 'Enregistré. Retrouvez-le dans votre menu, sous « Messages enregistrés ».',
    isUnsaved: 'Retiré de vos messages enregistrés.',
  },
});
