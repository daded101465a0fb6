/** The place that the address bar names. */
export type Place =
  | {
      page: 'talk';
      conversation: number | null;
      at: number | null;
      /** The thread that is open beside the conversation, and the reply to go to there. */
      thread?: number;
      reply?: number;
    }
  | { page: 'discover' | 'saved' | 'threads' }
  | { page: 'settings'; section: string }
  | { page: 'admin'; section: string }
  | { page: 'login' | 'register' | 'setup' };

/** A number out of a path, if it is one. */
const id = (text: string | undefined) =>
  text !== undefined && /^[1-9]\d{0,15}$/.test(text) ? Number(text) : null;

/** Reads an address; an unknown one is the list of conversations. */
export function placeOf(path: string): Place {
  const [first, second, third, fourth, fifth] = path.split('/').filter(Boolean);
  switch (first) {
    case 'c':
      return third === 't' ? threadOf(id(second), id(fourth), id(fifth)) : roomOf(id(second), id(third));
    case 'discover':
    case 'saved':
    case 'threads':
      return { page: first };
    case 'settings':
    case 'admin':
      return { page: first, section: second ?? '' };
    case 'login':
    case 'register':
    case 'setup':
      return { page: first };
    default:
      return { page: 'talk', conversation: null, at: null };
  }
}

const roomOf = (conversation: number | null, at: number | null): Place => ({
  page: 'talk',
  conversation,
  at,
});

function threadOf(conversation: number | null, thread: number | null, reply: number | null): Place {
  if (conversation === null || thread === null) return roomOf(conversation, null);
  return { page: 'talk', conversation, at: null, thread, ...(reply === null ? {} : { reply }) };
}

/** Writes an address. */
export function pathOf(place: Place): string {
  switch (place.page) {
    case 'talk':
      if (place.conversation === null) return '/';
      if (place.thread !== undefined)
        return `/c/${place.conversation}/t/${place.thread}${place.reply === undefined ? '' : `/${place.reply}`}`;
      return place.at === null ? `/c/${place.conversation}` : `/c/${place.conversation}/${place.at}`;
    case 'settings':
    case 'admin':
      return place.section === '' ? `/${place.page}` : `/${place.page}/${place.section}`;
    default:
      return `/${place.page}`;
  }
}
