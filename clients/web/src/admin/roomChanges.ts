import type { ConversationUpdateData, Room, Visibility } from '@palabre/sdk';

/** What the form for a room holds. */
export interface RoomDraft {
  name: string;
  topic: string;
  visibility: Visibility;
}

/** What was changed of a room; nothing if all is as it was. */
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
