-- Work that is done after its cause was committed, and reminders, the first that need it.

-- A row is work that is still to be done. It names a row of its kind and says nothing else: what is to be done follows
-- from that row as it stands then, so that nothing that was erased can come back out of a queue.
CREATE TABLE jobs (
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    -- From when on it may be claimed: when it is due, when a claim's lease runs out, or when it is tried again.
    due_at INTEGER NOT NULL,
    -- How often it was claimed.
    tries INTEGER NOT NULL DEFAULT 0,
    -- Another with each claim: what the holder of an earlier claim still says counts for nothing.
    claim INTEGER NOT NULL DEFAULT 0,
    -- When it was given up, and the error's code of its last try.
    failed_at INTEGER,
    error TEXT,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (due_at) WHERE failed_at IS NULL;
CREATE INDEX jobs_failed ON jobs (failed_at) WHERE failed_at IS NOT NULL;

-- That somebody wants to be reminded of a message. The row stays until they dismiss it.
-- No foreign keys: on PostgreSQL they would lock a row of conversations after one of accounts.
CREATE TABLE reminders (
    user_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- From a counter; another one if the reminder was taken back and made again.
    id INTEGER NOT NULL,
    -- When they want to be reminded.
    at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- When it became due; absent while it waits.
    due_at INTEGER,
    -- The number of its last change in its person's account.
    rev INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX reminders_by_id ON reminders (id);

INSERT INTO counters (name, value) VALUES ('reminder', 0);
