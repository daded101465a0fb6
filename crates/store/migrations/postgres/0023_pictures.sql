-- Pictures that no message carries: avatars and custom emoji. And what a voice message says of itself.

-- What holds a file that no message holds: 'account', 'conversation', 'server' or 'emoji'. Its message_id is then 0, which no
-- message has, so that programs of the version before do not take it for one that waits; its conversation_id is that of
-- the room or group whose avatar it is.
ALTER TABLE files ADD COLUMN held_by TEXT;
CREATE INDEX files_held ON files (held_by, number) WHERE held_by IS NOT NULL;

-- How long a recording is, in milliseconds, and how loud: a character for each bar.
ALTER TABLE files ADD COLUMN voice_ms BIGINT;
ALTER TABLE files ADD COLUMN waveform TEXT;

-- The id of the file that is shown.
ALTER TABLE users ADD COLUMN avatar TEXT;
ALTER TABLE conversations ADD COLUMN avatar TEXT;

-- Custom emoji: few, and read whole.
CREATE TABLE emoji (
    name TEXT NOT NULL PRIMARY KEY,
    -- The id of the file that is shown.
    picture TEXT NOT NULL,
    added_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('emoji_changes', 0);
