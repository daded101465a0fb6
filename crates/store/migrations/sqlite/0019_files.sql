-- Files that messages carry. Their bytes are kept beside the database, by their ids: the database knows every file.

-- A file from the moment on at which its bytes are whole. No foreign keys, as for messages.
CREATE TABLE files (
    -- From a counter; jobs name a file by it.
    number INTEGER NOT NULL PRIMARY KEY,
    -- Random, so that nobody finds a file by guessing.
    id TEXT NOT NULL UNIQUE,
    owner_id INTEGER NOT NULL,
    -- What its owner calls it, in stored form.
    name TEXT NOT NULL,
    -- As its bytes tell it.
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    -- Of its bytes, in hexadecimal digits.
    sha256 TEXT NOT NULL,
    -- Of an image, as it is shown; absent for other files and until it was looked at.
    width INTEGER,
    height INTEGER,
    created_at INTEGER NOT NULL,
    -- The message that holds it, and its place among that one's files; absent while it waits for a message.
    conversation_id INTEGER,
    seq INTEGER,
    message_id INTEGER,
    place INTEGER NOT NULL DEFAULT 0,
    -- When it was given up: its bytes are being removed, and nobody may read it.
    gone_at INTEGER
) STRICT;
CREATE INDEX files_of_owner ON files (owner_id, gone_at, message_id, size);
CREATE INDEX files_of_message ON files (message_id, place) WHERE message_id IS NOT NULL;

-- How many files it carries.
ALTER TABLE messages ADD COLUMN files INTEGER NOT NULL DEFAULT 0;

INSERT INTO counters (name, value) VALUES ('file', 0), ('file_bytes', 0);
