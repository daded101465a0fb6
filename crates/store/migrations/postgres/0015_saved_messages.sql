-- Messages that somebody wants to find again. A row says which message, never what stands in it.

-- No foreign keys: on PostgreSQL they would lock a row of conversations after one of accounts.
CREATE TABLE saved_messages (
    user_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    -- The same message by its id.
    message_id BIGINT NOT NULL,
    saved_at BIGINT NOT NULL,
    -- The number in its person's account with which it was saved.
    rev BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
);
CREATE INDEX saved_messages_newest ON saved_messages (user_id, rev);
