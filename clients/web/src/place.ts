/** The place that the address bar names. */
export type Place =
  | { page: 'talk'; conversation: number | null; at: number | null }
  | { page: 'discover' }
  | { page: 'activity' }
  | { page: 'settings'; section: string }
  | { page: 'admin'; section: string }
  | { page: 'login' | 'register' | 'setup' };

/** A number out of a path, if it is one. */
const id = (text: string | undefined) =>
  text !== undefined && /^[1-9]\d{0,15}$/.test(text) ? Number(text) : null;

/** Reads an address; an unknown one is the list of conversations. */
export function placeOf(path: string): Place {
  const [first, second, third] = path.split('/').filter(Boolean);
  switch (first) {
    case 'c':
      return { page: 'talk', conversation: id(second), at: id(third) };
    case 'discover':
    case 'activity':
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

/** Writes an address. */
export function pathOf(place: Place): string {
  switch (place.page) {
    case 'talk':
      if (place.conversation === null) return '/';
      return place.at === null ? `/c/${place.conversation}` : `/c/${place.conversation}/${place.at}`;
    case 'settings':
    case 'admin':
      return place.section === '' ? `/${place.page}` : `/${place.page}/${place.section}`;
    default:
      return `/${place.page}`;
  }
}
