import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    want: 'Show previews of links',
    hint: 'For new messages. The server looks at the page behind a link; that page’s site learns that the link was posted here, but not by whom, nor who reads it.',
  },
  fr: {
    want: 'Afficher un aperçu des liens',
    hint: 'Pour les nouveaux messages. Le serveur consulte la page derrière un lien ; le site de cette page apprend que le lien a été publié ici, mais ni par qui, ni qui le lit.',
  },
});
