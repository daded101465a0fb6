export { Bot } from './bot.js';
export { Client } from './client.js';
export { Core } from './core.js';
export type { ClientEvents, ClientOptions, SendOptions } from './options.js';
export { Backoff, type BackoffOptions } from './backoff.js';
export type { AccountEvent, Followed, Follower, FollowOptions } from './follower.js';
export type { FollowPosition } from './places.js';
export type { Operation } from './operation.js';
export { operations } from './operations.js';
export { Refusal, type RefusalCode } from './problem.js';
export { subscribePush, type PushWishes, type Subscriber, type Subscription } from './push.js';
export { requestOf } from './rest.js';
export { defaultStorage, memoryStorage, prefixed, type KeyValue } from './storage.js';
export type { WebSocketConstructor, WebSocketLike, WireFrame } from './socket.js';
export type { LineState as Line, State } from './state/index.js';
export type { ConversationState } from './state/state.js';
export { knowsAccount } from './state/account_scope.js';
export { draftKey } from './state/drafts.js';
export { isForMe, type Viewer } from './state/mentions.js';
export type { UserGroups } from './state/user_groups.js';
export { picturePath, serverPicturePath } from './state/avatars.js';
export { filePath, filesOf, isPicture, thumbnailPath, wordsOf } from './state/files.js';
export { previewOf } from './state/previews.js';
export type { Bytes, Transfer, Transferred, UploadOptions } from './uploads.js';
export { isSaved } from './state/saved.js';
export {
  isInRoom,
  summaryOf,
  threadKey,
  type Followed as FollowedThreads,
  type FollowedState,
  type ThreadState,
} from './state/threads.js';
export { typistsIn } from './state/typing.js';
export type { Timeline } from './state/timeline.js';
export type { Pending } from './state/pending.js';
export type { Notice } from './state/notices.js';
export { FOREVER, isMuted, levelIn, notifies, type NotificationLevel } from './state/notifications.js';
export { shownNameOf, type Named, type PersonState } from './state/accounts.js';
export {
  findsName,
  hasVisible,
  mentions,
  parts,
  plain,
  plainPlaces,
  sameName,
  spans,
  type Part,
  type Span,
} from './text.js';
// The functions of a client, for pages that take the core and load these when they need them.
export { discardDraft, saveDraft } from './drafts.js';
export { markUnread, readAll, setConversationNotifications, setNotifications } from './notifications.js';
export { loadMembers } from './members.js';
export { loadSaved } from './saved.js';
export {
  closeThread,
  followThread,
  loadThread,
  markThreadRead,
  openThread,
  setThreadNotifications,
} from './threads.js';
export { uploadFile } from './uploads.js';
export { uuid } from './uuid.js';
export * from './wire.js';
