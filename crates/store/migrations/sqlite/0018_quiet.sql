-- What somebody wants to be notified of, and unread messages counted without reading them.

-- One member's own settings. The level's name; absent: that of conversations of this kind.
ALTER TABLE members ADD COLUMN notify TEXT;
-- In milliseconds since 1970; absent if it was never muted.
ALTER TABLE members ADD COLUMN muted_until INTEGER;
-- The seq of the message from which on the member has marked it as unread; 0 if they have not.
ALTER TABLE members ADD COLUMN unread_from INTEGER NOT NULL DEFAULT 0;

CREATE TABLE notification_settings (
    user_id INTEGER NOT NULL PRIMARY KEY,
    -- The levels of the three kinds of conversations.
    room_level TEXT NOT NULL,
    group_level TEXT NOT NULL,
    direct_level TEXT NOT NULL,
    -- Days of the week on which quiet hours begin, as digits: '12345' is Monday to Friday. Empty without quiet hours.
    quiet_days TEXT NOT NULL,
    -- Minutes of the day.
    quiet_from INTEGER NOT NULL,
    quiet_to INTEGER NOT NULL,
    time_zone TEXT NOT NULL,
    -- A JSON array of texts.
    keywords TEXT NOT NULL,
    -- The number of their last change in the account.
    rev INTEGER NOT NULL
) STRICT;

-- Unread replies are counted, up to a bound, as unread messages of the room are in `messages_in_room`.
CREATE INDEX messages_aside ON messages (conversation_id, seq) WHERE aside = 1;
