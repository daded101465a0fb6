/** The emoji picker, loaded when it is first wanted. */
export const loadPicker = () => import('./EmojiPicker.svelte');
/** What records a voice message, loaded when it is first wanted. */
export const loadRecorder = () => import('../voice/Recorder.svelte');
