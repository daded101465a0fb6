/** The icon of what is attached: a paper clip. */
export const CLIP =
  'M19 11l-7.5 7.5a4.6 4.6 0 0 1-6.5-6.5L13 4a3 3 0 0 1 4.3 4.3L9.5 16a1.5 1.5 0 0 1-2-2.1L14 7.5';
