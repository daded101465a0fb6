import type { ConversationUpdateData, Room, Visibility } from '@palabre/sdk';

/** The fields of the form for a room. */
export interface RoomDraft {
  name: string;
  topic: string;
  visibility: Visibility;
}

/** The changes of a room; null if there are none. */
export function roomChanges(room: Room, draft: RoomDraft): ConversationUpdateData | null {
  const name = draft.name.trim();
  const topic = draft.topic.trim();
  const changes = {
    ...(name !== (room.name ?? '') && { name }),
    ...(topic !== (room.topic ?? '') && { topic: topic || null }),
    ...(draft.visibility !== room.visibility && { visibility: draft.visibility }),
  };
  return Object.keys(changes).length === 0 ? null : { conversation: room.id, ...changes };
}
