// A client with everything that it can do. A page that weighs its bytes takes the core and the functions of the nouns.
import { Core } from './core.js';
import { discardDraft, saveDraft } from './drafts.js';
import { markUnread, readAll, setConversationNotifications, setNotifications } from './notifications.js';
import { loadMembers } from './members.js';
import { loadSaved } from './saved.js';
import {
  closeThread,
  followThread,
  loadThread,
  markThreadRead,
  openThread,
  setThreadNotifications,
} from './threads.js';
import { uploadFile, type Bytes, type UploadOptions } from './uploads.js';
import type {
  ConversationNotificationsData,
  DraftSaveData,
  File,
  Members,
  Notifications,
  NotificationsSetData,
  SavedDraft,
  ThreadNotificationsData,
} from './wire.js';

export class Client extends Core {
  /**
   * Uploads a file, and gives what `send` takes in its `files`. It is begun again if the network breaks it off; a
   * `Refusal` says why it is not taken, with the code `network` if `signal` has broken it off.
   */
  upload(bytes: Bytes, options: UploadOptions = {}): Promise<File> {
    return uploadFile(this, bytes, options);
  }

  /**
   * A page of a conversation's members, and their presence into the state: for one that is so large that its `members`
   * are not loaded. `cursor` is the `next_cursor` of the page before. Throws a `Refusal`.
   */
  loadMembers(conversation: number, cursor: string | null = null): Promise<Members> {
    return loadMembers(this, conversation, cursor);
  }

  /** Opens a thread: its root and its newest replies, or those around a message. */
  openThread(
    conversation: number,
    thread: number,
    options: { readonly around?: number } = {},
  ): Promise<void> {
    return openThread(this, conversation, thread, options);
  }

  /** Forgets an open thread. */
  closeThread(conversation: number, thread: number): void {
    closeThread(this, conversation, thread);
  }

  /** Loads more of an open thread, on one of its sides. */
  loadThread(conversation: number, thread: number, where: 'before' | 'after' | 'newest'): Promise<void> {
    return loadThread(this, conversation, thread, where);
  }

  /** Follows a thread on all devices, or stops. Throws a `Refusal`. */
  followThread(conversation: number, thread: number, follows: boolean): Promise<void> {
    return followThread(this, conversation, thread, follows);
  }

  /**
   * Says which replies of a thread that one follows notify, on all devices; null: as in its conversation. Servers before
   * feature level 8 refuse. Throws a `Refusal`.
   */
  setThreadNotifications(data: ThreadNotificationsData): Promise<void> {
    return setThreadNotifications(this, data);
  }

  /** A thread was read up to here; where one does not follow it, that is nobody's business. */
  markThreadRead(conversation: number, thread: number, seq: number): void {
    markThreadRead(this, conversation, thread, seq);
  }

  /**
   * Saves a text that is being written, for all devices of its person; in `replaced` is what another device had saved
   * meanwhile. Servers that keep no drafts have `accountSeq` null in the state. Throws a `Refusal`.
   */
  saveDraft(data: DraftSaveData): Promise<SavedDraft> {
    return saveDraft(this, data);
  }

  /** Drops a draft on all devices: it was sent, or is not wanted any more. Throws a `Refusal`. */
  discardDraft(
    conversation: number,
    edit: number | null = null,
    thread: number | null = null,
  ): Promise<void> {
    return discardDraft(this, conversation, edit, thread);
  }

  /** Says what one wants to be notified of, on all devices; absent fields stay. Throws a `Refusal`. */
  setNotifications(data: NotificationsSetData): Promise<Notifications> {
    return setNotifications(this, data);
  }

  /** Says what notifies in a conversation, or mutes it, on all devices; absent fields stay. Throws a `Refusal`. */
  setConversationNotifications(data: ConversationNotificationsData): Promise<void> {
    return setConversationNotifications(this, data);
  }

  /**
   * Marks a conversation as unread from a message on, on all devices, until one reads on. Others see nothing of it.
   * Throws a `Refusal`.
   */
  markUnread(conversation: number, seq: number): Promise<void> {
    return markUnread(this, conversation, seq);
  }

  /** Everything in all conversations was read. Throws a `Refusal`. */
  readAll(): Promise<void> {
    return readAll(this);
  }

  /** Loads which messages are saved, unless that is known; `isSaved` tells it, and events keep it true. */
  loadSaved(): Promise<void> {
    return loadSaved(this);
  }
}
