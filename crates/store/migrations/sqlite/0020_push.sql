-- Browsers on which somebody is told while no page of theirs is open, and what they are to be told there.

-- No foreign keys, as for reminders. What is here lets nobody read anything, but it tells where people are reached.
CREATE TABLE push_devices (
    id INTEGER NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL,
    -- The session that subscribed; the device ends with it. At most one device has it.
    session_id INTEGER NOT NULL,
    -- The address at its push service; at most one device has it.
    endpoint TEXT NOT NULL,
    -- Its public key and its secret, in base64url.
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    agent TEXT,
    language TEXT NOT NULL,
    -- Whether it shows what messages say.
    shows_text INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- The number of its last change in its person's account.
    rev INTEGER NOT NULL
) STRICT;
CREATE INDEX push_devices_of_user ON push_devices (user_id, id);
CREATE INDEX push_devices_of_session ON push_devices (session_id);
CREATE INDEX push_devices_at ON push_devices (endpoint);

-- Up to where was decided who is to be told of a conversation's messages. Conversations without a row have nobody who is
-- told on a device, or had nobody yet.
CREATE TABLE push_conversations (
    conversation_id INTEGER NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    -- Up to where is being decided for one portion of people after another, and the last of those who are done; 0 if not.
    goal INTEGER NOT NULL,
    after_user INTEGER NOT NULL,
    decided_at INTEGER NOT NULL
) STRICT;

-- The last push about a conversation, or about a reminder, to a device: it waits, or says what became of it.
CREATE TABLE push_deliveries (
    user_id INTEGER NOT NULL,
    device_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    -- 0 if it is about messages.
    reminder_id INTEGER NOT NULL,
    -- The newest message that it is about.
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    -- When it came into this state.
    at INTEGER NOT NULL,
    error TEXT,
    PRIMARY KEY (user_id, device_id, conversation_id, reminder_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX push_deliveries_waiting ON push_deliveries (device_id) WHERE state = 'waiting';

INSERT INTO counters (name, value) VALUES ('push_device', 0);
