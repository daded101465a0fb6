import { speak } from '../i18n.svelte';
import { away, isAnswered, other } from './complaint';
import { detailFor } from './details';

const t = speak({
  en: {
    invalid: 'That is not valid.',
    too_large: 'That is too large.',
    unsupported_type: 'Files of this type are not accepted.',
    file_infected: 'The server’s scanner says that this file does harm; it was not kept.',
    unauthenticated: 'Your session has ended. Please log in again.',
    bad_credentials: 'Name or password is wrong.',
    forbidden: 'You may not do that.',
    not_accepting: 'This person does not accept that.',
    not_found: 'It does not exist, or you cannot see it.',
    conflict: 'It conflicts with something that exists already.',
    too_slow: 'The connection is too slow. Please try again.',
    confirmation_needed: 'It reaches many people. Send it again to confirm that.',
    rate_limited: 'Too fast: please wait a moment.',
    limit_reached: 'A limit has been reached.',
    unavailable: 'The server is busy. Please try again.',
    outcome_unknown: 'It is not known whether that was done. Please try again.',
    storage_full: 'The storage of the server is full.',
  },
  fr: {
    invalid: 'Ce n’est pas valide.',
    too_large: 'C’est trop volumineux.',
    unsupported_type: 'Les fichiers de ce type ne sont pas acceptés.',
    file_infected: 'L’antivirus du serveur dit que ce fichier est dangereux ; il n’est pas conservé.',
    unauthenticated: 'Votre session est terminée. Reconnectez-vous.',
    bad_credentials: 'Nom ou mot de passe incorrect.',
    forbidden: 'Vous n’en avez pas le droit.',
    not_accepting: 'Cette personne ne l’accepte pas.',
    not_found: 'Cela n’existe pas, ou vous ne pouvez pas le voir.',
    conflict: 'Cela contredit ce qui existe déjà.',
    too_slow: 'La connexion est trop lente. Réessayez.',
    confirmation_needed: 'Cela atteint beaucoup de personnes. Envoyez-le à nouveau pour confirmer.',
    rate_limited: 'Trop vite : attendez un instant.',
    limit_reached: 'Une limite est atteinte.',
    unavailable: 'Le serveur est occupé. Réessayez.',
    outcome_unknown: 'On ignore si cela a été fait. Réessayez.',
    storage_full: 'Le stockage du serveur est plein.',
  },
});

/** The reason why something failed, in the reader's language, followed by the server's own details. */
export function reason(error: unknown): string {
  if (!isAnswered(error)) return away();
  const { code, detail } = error;
  const said = (t() as Record<string, string>)[code] ?? other();
  const details = code === 'invalid' || code === 'limit_reached' || code === 'conflict';
  return details && detail ? `${said} ${detailFor(detail)}` : said;
}
