-- Conversations and their members. A row's rev is the number of its last change, so that
-- "everything after N" is the rows with rev > N.

CREATE TABLE conversations (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    visibility TEXT NOT NULL,
    name TEXT,
    -- The name of a room without case; absent for groups and direct conversations, whose names need not be unique.
    name_key TEXT UNIQUE,
    topic TEXT,
    -- The two people of a direct conversation.
    pair_low BIGINT,
    pair_high BIGINT,
    created_by BIGINT NOT NULL REFERENCES users (id),
    client_id TEXT,
    created_at BIGINT NOT NULL,
    -- The number of the last durable change in the conversation.
    head BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    member_count BIGINT NOT NULL,
    -- The time of the newest change: orders the list, and never goes back within a conversation.
    active_at BIGINT NOT NULL,
    UNIQUE (pair_low, pair_high),
    UNIQUE (created_by, client_id)
);

CREATE TABLE members (
    conversation_id BIGINT NOT NULL REFERENCES conversations (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    -- Absent once they left: the row stays, so that catching up finds the departure.
    role TEXT,
    rev BIGINT NOT NULL,
    joined_at BIGINT NOT NULL,
    read_seq BIGINT NOT NULL,
    delivered_seq BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX members_of_user ON members (user_id) WHERE role IS NOT NULL;
CREATE INDEX members_by_rev ON members (conversation_id, rev);
