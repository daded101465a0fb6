-- Conversations and their members. A row's rev is the number of its last change, so that
-- "everything after N" is the rows with rev > N.

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    visibility TEXT NOT NULL,
    name TEXT,
    -- The name of a room without case; absent for groups and direct conversations, whose names need not be unique.
    name_key TEXT UNIQUE,
    topic TEXT,
    -- The two people of a direct conversation.
    pair_low INTEGER,
    pair_high INTEGER,
    created_by INTEGER NOT NULL REFERENCES users (id),
    client_id TEXT,
    created_at INTEGER NOT NULL,
    -- The number of the last durable change in the conversation.
    head INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    member_count INTEGER NOT NULL,
    -- The time of the newest change: orders the list, and never goes back within a conversation.
    active_at INTEGER NOT NULL,
    UNIQUE (pair_low, pair_high),
    UNIQUE (created_by, client_id)
) STRICT;

CREATE TABLE members (
    conversation_id INTEGER NOT NULL REFERENCES conversations (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    -- Absent once they left: the row stays, so that catching up finds the departure.
    role TEXT,
    rev INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    read_seq INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_of_user ON members (user_id) WHERE role IS NOT NULL;
CREATE INDEX members_by_rev ON members (conversation_id, rev);
