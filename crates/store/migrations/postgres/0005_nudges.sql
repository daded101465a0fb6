-- Words to other nodes and to operators' commands, kept for minutes: "look again at this person". What they will see
-- is in the other tables; a nudge that is lost or doubled does no harm.
CREATE TABLE nudges (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    -- Who says it, so that it need not listen to itself.
    node BIGINT NOT NULL,
    what TEXT NOT NULL,
    user_id BIGINT,
    conversation_id BIGINT
);
