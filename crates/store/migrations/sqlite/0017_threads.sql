-- Threads: messages about one message, apart from the rest of their conversation.

-- The message that it is a reply to, by its seq; absent for what is in no thread.
ALTER TABLE messages ADD COLUMN thread INTEGER;
-- 1 if it stands in its thread only and not in the room as well.
ALTER TABLE messages ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;
-- Each of the two is read by itself: what stands in the room, and what stands in a thread.
CREATE INDEX messages_in_room ON messages (conversation_id, seq) WHERE aside = 0;
CREATE INDEX messages_in_thread ON messages (conversation_id, thread, seq) WHERE thread IS NOT NULL;

-- What a thread's root shows of it. A row is written with the first reply, and never removed.
CREATE TABLE threads (
    conversation_id INTEGER NOT NULL,
    -- The seq of the root.
    seq INTEGER NOT NULL,
    -- How many replies there are that are not deleted, and the newest of them.
    replies INTEGER NOT NULL,
    last_seq INTEGER,
    last_at INTEGER,
    -- Who wrote the newest replies, the last one first: [3,7].
    participants TEXT NOT NULL,
    -- The number of the last change of the conversation that changed this.
    rev INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX threads_by_rev ON threads (conversation_id, rev);

-- Who follows which thread, and how far they have read it. No foreign keys: on PostgreSQL they would lock a row of
-- conversations after one of accounts.
CREATE TABLE followed_threads (
    user_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- 0 if they want to follow it no longer, though they take part.
    follows INTEGER NOT NULL,
    read_seq INTEGER NOT NULL,
    -- The number of its last change in the account.
    rev INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
) STRICT, WITHOUT ROWID;
