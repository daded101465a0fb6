/** The emoji picker, loaded when it is first wanted. */
export const loadPicker = () => import('./EmojiPicker.svelte');
