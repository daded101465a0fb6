-- Who may do what in a conversation, and from which number on a member sees its messages.

-- A conversation without a row has the default policy.
CREATE TABLE policies (
    conversation_id BIGINT NOT NULL PRIMARY KEY REFERENCES conversations (id),
    -- The least role for each ability that differs from the default, as a JSON object: {"post":"moderator"}.
    rules TEXT NOT NULL
);

-- What was given to one member or withdrawn from them. It outlasts their membership: a mute ends with its time, not
-- with leaving and coming back.
CREATE TABLE grants (
    conversation_id BIGINT NOT NULL REFERENCES conversations (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    ability TEXT NOT NULL,
    -- 1 if it was given, 0 if it was withdrawn.
    given BIGINT NOT NULL,
    -- In milliseconds since 1970; absent if it has no end.
    ends_at BIGINT,
    PRIMARY KEY (conversation_id, user_id, ability)
);

-- A member sees the messages with this number and greater ones. 0 is all.
ALTER TABLE members ADD COLUMN visible_from BIGINT NOT NULL DEFAULT 0;
