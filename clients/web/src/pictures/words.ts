import { speak } from '../i18n.svelte';

export const t = speak({
  en: {
    choose: 'Choose a picture',
    remove: 'Remove the picture',
    removed: 'The picture is removed.',
    takeAwaySure: (name: string) =>
      `The picture of ${name} is removed for everybody. They can choose another one.`,
    changed: 'The picture is changed.',
    crop: 'Choose what is shown',
    preview: 'What is shown of the picture',
    zoom: 'Zoom',
    across: 'Move across',
    down: 'Move up and down',
    use: 'Use this picture',
    unreadable: 'This file is no picture that can be shown here.',
    tooLarge: 'This picture is too large: it may have at most 40 million pixels.',
    ofServer: 'Picture of the server',
    ofServerWhy: 'Everybody sees it, also before they log in.',
  },
  fr: {
    choose: 'Choisir une image',
    remove: 'Supprimer l’image',
    removed: 'L’image est supprimée.',
    takeAwaySure: (name: string) =>
      `L’image de ${name} sera supprimée pour tout le monde. Cette personne pourra en choisir une autre.`,
    changed: 'L’image est changée.',
    crop: 'Choisir ce qui est montré',
    preview: 'Ce qui est montré de l’image',
    zoom: 'Agrandir',
    across: 'Déplacer de gauche à droite',
    down: 'Déplacer de haut en bas',
    use: 'Utiliser cette image',
    unreadable: 'Ce fichier n’est pas une image qui peut être montrée ici.',
    tooLarge: 'Cette image est trop grande : elle peut avoir 40 millions de pixels au plus.',
    ofServer: 'Image du serveur',
    ofServerWhy: 'Tout le monde la voit, même avant de se connecter.',
  },
});
