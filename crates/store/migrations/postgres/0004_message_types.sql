-- What a message's text is about, when people last read, and what they took out of their lists.

ALTER TABLE messages ADD COLUMN message_type TEXT NOT NULL DEFAULT 'text';
-- When read_seq last moved.
ALTER TABLE members ADD COLUMN read_at BIGINT;
-- Out of the member's list until the conversation's head is beyond this.
ALTER TABLE members ADD COLUMN hidden_seq BIGINT NOT NULL DEFAULT 0;
