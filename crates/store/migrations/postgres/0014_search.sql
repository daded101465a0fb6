-- For what follows the messages, such as the index for searching.

-- The number of the last change of a message's text. Absent if the text is as it was sent, or if it was last changed by
-- a program that did not know this column.
ALTER TABLE messages ADD COLUMN text_rev BIGINT;

-- Which node follows which conversations: the shards of each follower, and with a number below zero the nodes.
CREATE TABLE follower_leases (
    follower TEXT NOT NULL,
    shard BIGINT NOT NULL,
    node BIGINT NOT NULL,
    -- By the database's clock, in milliseconds since 1970.
    until BIGINT NOT NULL,
    PRIMARY KEY (follower, shard)
);

-- How far a follower has come in a conversation.
CREATE TABLE follower_cursors (
    follower TEXT NOT NULL,
    conversation_id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    -- How far the conversation has come, as a node says that does not follow it itself.
    head BIGINT NOT NULL,
    PRIMARY KEY (follower, conversation_id)
);
CREATE INDEX follower_cursors_behind ON follower_cursors (follower) WHERE head > rev;

-- What stands in each message.
CREATE TABLE message_terms (
    message_id BIGINT NOT NULL PRIMARY KEY,
    terms TSVECTOR NOT NULL
);
-- Whoever searches reads also what waits to be merged into the index: it is kept short.
CREATE INDEX message_terms_by_term ON message_terms USING GIN (terms) WITH (gin_pending_list_limit = 512);
