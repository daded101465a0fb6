-- Previews of links: what the page behind a message's first link says of itself.

-- Whether new messages of a conversation get previews.
ALTER TABLE conversations ADD COLUMN previews INTEGER NOT NULL DEFAULT 0;

-- 1 if the message has a preview.
ALTER TABLE messages ADD COLUMN preview INTEGER NOT NULL DEFAULT 0;

-- The preview of a message, as it is shown. Its picture is a file that the message holds, at place -1.
CREATE TABLE previews (
    message_id INTEGER NOT NULL PRIMARY KEY,
    -- The link, as the text has it.
    url TEXT NOT NULL,
    site TEXT,
    title TEXT NOT NULL,
    description TEXT
) STRICT;
