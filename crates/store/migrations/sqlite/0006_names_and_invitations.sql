-- Names that only members know, and who brought whom into a conversation.

-- The compared form of a room's name, of private rooms too. From here on name_key is that of public rooms alone, and
-- its unique index therefore theirs. (A program of an earlier version does not find private rooms by name meanwhile.)
ALTER TABLE conversations ADD COLUMN room_key TEXT;
UPDATE conversations SET room_key = name_key WHERE name_key IS NOT NULL;
UPDATE conversations SET name_key = NULL WHERE visibility = 'private' AND name_key IS NOT NULL;

-- Who brought the member in; absent for those who came by themselves.
ALTER TABLE members ADD COLUMN invited_by INTEGER;
-- The number with which the membership began: who is a member for longer. 0 for those from before this migration.
ALTER TABLE members ADD COLUMN joined_number INTEGER NOT NULL DEFAULT 0;
-- 1 for those who left by themselves and must not be brought in again, 2 once a member has asked them to come back.
ALTER TABLE members ADD COLUMN declined INTEGER NOT NULL DEFAULT 0;
UPDATE members SET invited_by = (SELECT c.created_by FROM conversations c
    WHERE c.id = members.conversation_id AND c.created_by <> members.user_id)
    WHERE conversation_id IN (SELECT id FROM conversations WHERE kind <> 'room');
CREATE INDEX members_invited_by ON members (invited_by, user_id) WHERE invited_by IS NOT NULL;
