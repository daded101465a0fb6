-- Messages that somebody wants to find again. A row says which message, never what stands in it.

-- No foreign keys: on PostgreSQL they would lock a row of conversations after one of accounts.
CREATE TABLE saved_messages (
    user_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- The same message by its id.
    message_id INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    -- The number in its person's account with which it was saved.
    rev INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_messages_newest ON saved_messages (user_id, rev);
