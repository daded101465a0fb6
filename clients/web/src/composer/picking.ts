/** The emoji picker, loaded when it is first wanted. */
export const loadPicker = () => import('./EmojiPicker.svelte');
/** The recorder of voice messages, loaded when it is first wanted. */
export const loadRecorder = () => import('../voice/Recorder.svelte');
