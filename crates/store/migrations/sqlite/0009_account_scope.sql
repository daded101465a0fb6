-- What concerns one person has numbers of its own, as a conversation's changes have. No foreign keys: on PostgreSQL
-- they would lock rows of conversations after those of accounts, and the order of locks is the other one.
CREATE TABLE account_heads (
    user_id INTEGER NOT NULL PRIMARY KEY,
    -- The number of the last change.
    head INTEGER NOT NULL,
    -- What was before this number may be forgotten: whoever knows no more than that reads everything anew.
    floor INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO account_heads (user_id, head) SELECT id, 0 FROM users;

-- What has changed: one row for each thing that belongs to an account, with the number of its last change.
CREATE TABLE account_changes (
    user_id INTEGER NOT NULL,
    -- What sort of thing: `conversation`, `profile`, `draft` …
    noun TEXT NOT NULL,
    -- Which.
    key TEXT NOT NULL,
    rev INTEGER NOT NULL,
    -- 1 if there is no such thing any more: a tombstone, kept for those who were away.
    gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, noun, key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX account_changes_rev ON account_changes (user_id, rev);

CREATE TABLE drafts (
    user_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    -- The `seq` of the message that it will change; 0 for a new one.
    edit INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL,
    parent INTEGER,
    -- The number of its last change in the account.
    rev INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id, edit)
) STRICT;

-- The number of the last change of what an account tells about itself.
ALTER TABLE users ADD COLUMN card_rev INTEGER NOT NULL DEFAULT 0;

-- The number to which an account has come, where a nudge is about that.
ALTER TABLE nudges ADD COLUMN number INTEGER;

-- Programs of before tell nobody of numbers that they do not give.
INSERT INTO meta (key, value) VALUES ('needs', '9') ON CONFLICT (key) DO UPDATE SET value = '9';
