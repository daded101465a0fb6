-- Names are compared and found by keys that the program makes by Unicode's tables, which no database can. They are made
-- of the rows that are there when the server next starts, and anew when the tables are others (`names` in `meta`).

-- What names that look alike have in common. Absent where an older account or room has it: both keep their names.
ALTER TABLE users ADD COLUMN look_key TEXT;
-- The words of all their names, each preceded by a space.
ALTER TABLE users ADD COLUMN search_key TEXT;
-- Of what the keys were made: a program of the version before changes names without them.
ALTER TABLE users ADD COLUMN keyed TEXT;
CREATE UNIQUE INDEX users_by_look ON users (look_key) WHERE look_key IS NOT NULL;

-- The same of public rooms; the words and what they were made of are there of private ones, too.
ALTER TABLE conversations ADD COLUMN look_key TEXT;
ALTER TABLE conversations ADD COLUMN search_key TEXT;
ALTER TABLE conversations ADD COLUMN keyed TEXT;
CREATE UNIQUE INDEX conversations_by_look ON conversations (look_key) WHERE look_key IS NOT NULL;

-- What was found when keys were made, for the operator.
CREATE TABLE name_findings (
    -- `user` or `room`.
    noun TEXT NOT NULL,
    subject BIGINT NOT NULL,
    -- `renamed`: another room had the name already. `alike`: another name looks the same.
    what TEXT NOT NULL,
    -- The room's name before and after.
    was TEXT,
    name TEXT,
    -- The other one.
    other BIGINT NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (noun, subject, what)
);
