-- Earlier texts of edited messages, of conversations that keep them.

-- 1 while they are kept.
ALTER TABLE conversations ADD COLUMN edit_history INTEGER NOT NULL DEFAULT 0;

-- A row is written with the edit that replaces its text. No foreign keys, as for messages.
CREATE TABLE message_versions (
    conversation_id INTEGER NOT NULL,
    -- The message.
    seq INTEGER NOT NULL,
    -- The number of the edit that replaced the text.
    number INTEGER NOT NULL,
    -- Who wrote the text, and when.
    editor_id INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (conversation_id, seq, number)
) STRICT;
