-- Messages and reactions. The table is its own log: there is no second copy of an event.

-- No foreign keys here: a message is stored in the transaction that has just found its conversation
-- and its author's membership, and neither is ever deleted. Looking again would cost every send.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id INTEGER NOT NULL,
    -- Its place in the timeline: the number it was created with.
    seq INTEGER NOT NULL,
    -- The number of its last change.
    rev INTEGER NOT NULL,
    author_id INTEGER NOT NULL,
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
