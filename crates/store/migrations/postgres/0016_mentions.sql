-- Those whom messages are for, and how far everybody has read what was for them.
-- No foreign keys: a row is written together with the message that it belongs to, and looking again would cost a send.

-- One row for each person: whom a text names, whose message is replied to, whose message was reacted to.
CREATE TABLE mentions (
    message_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    -- `mention`, `reply` or `reaction`.
    reason TEXT NOT NULL,
    -- Who caused it.
    actor BIGINT NOT NULL,
    -- Of a reaction; else empty.
    emoji TEXT NOT NULL,
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    -- The number of the change that caused it: the message's own, or that of an edit or a reaction.
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (message_id, user_id, reason, actor, emoji)
);
CREATE INDEX mentions_unread ON mentions (user_id, conversation_id, seq);
CREATE INDEX mentions_inbox ON mentions (user_id, at, message_id, actor);

-- One row for each call of many, however many they are.
CREATE TABLE broadcasts (
    message_id BIGINT NOT NULL,
    -- `here`, `room` or `group`.
    scope TEXT NOT NULL,
    -- The user group; else 0.
    group_id BIGINT NOT NULL,
    actor BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (message_id, scope, group_id)
);
CREATE INDEX broadcasts_unread ON broadcasts (conversation_id, seq);

-- Named lists of people.
CREATE TABLE user_groups (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE user_group_members (
    group_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    -- Nobody is reached by what was said before.
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX user_group_members_of ON user_group_members (user_id, group_id);

-- How much of what was for them people have read. A person who has marked nothing has no row.
CREATE TABLE inbox_reads (
    user_id BIGINT NOT NULL PRIMARY KEY,
    -- Everything up to this place.
    all_to TEXT,
    -- And these places, as JSON.
    single TEXT NOT NULL,
    -- The number of its last change in the account.
    rev BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('user_group', 0), ('user_group_changes', 0);
