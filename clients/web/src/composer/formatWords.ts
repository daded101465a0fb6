import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    bold: 'Bold (Ctrl+B)',
    italic: 'Italic (Ctrl+I)',
    strike: 'Strikethrough',
    code: 'Code (Ctrl+E)',
    link: 'Link',
    bullets: 'Bulleted list',
    numbers: 'Numbered list',
    quote: 'Quote',
    preview: 'Preview',
    previewed: 'Preview of your message',
    emoji: 'Emoji',
    rooms: 'Rooms',
  },
  fr: {
    bold: 'Gras (Ctrl+B)',
    italic: 'Italique (Ctrl+I)',
    strike: 'Barré',
    code: 'Code (Ctrl+E)',
    link: 'Lien',
    bullets: 'Liste à puces',
    numbers: 'Liste numérotée',
    quote: 'Citation',
    preview: 'Aperçu',
    previewed: 'Aperçu de votre message',
    emoji: 'Émojis',
    rooms: 'Salons',
  },
});
