-- Messages and reactions. The table is its own log: there is no second copy of an event.

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id INTEGER NOT NULL REFERENCES conversations (id),
    -- Its place in the timeline: the number it was created with.
    seq INTEGER NOT NULL,
    -- The number of its last change.
    rev INTEGER NOT NULL,
    author_id INTEGER NOT NULL REFERENCES users (id),
    client_id TEXT,
    -- A digest of what was sent first, to tell a repeat from another message under the same client id.
    content_hash INTEGER NOT NULL,
    -- Absent once deleted.
    text TEXT,
    parent INTEGER,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    deleted_at INTEGER,
    UNIQUE (conversation_id, seq),
    -- Never twice: for ever, on every node.
    UNIQUE (author_id, client_id)
) STRICT;
-- A new message has rev = seq and is found by seq; only changed ones need an entry of their own.
CREATE INDEX messages_changed ON messages (conversation_id, rev) WHERE rev > seq;

CREATE TABLE reactions (
    message_id INTEGER NOT NULL REFERENCES messages (id),
    emoji TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    -- The number of the change that added it: gives the order.
    number INTEGER NOT NULL,
    PRIMARY KEY (message_id, emoji, user_id)
) STRICT, WITHOUT ROWID;
