-- Accounts, and the log-ins that belong to them.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- The next ids of users and of conversations: explicit counters, so that a host application's own
-- user ids can be kept and the counter be moved past them.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('user', 0), ('conversation', 0), ('session', 0);

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    email TEXT,
    email_key TEXT UNIQUE,
    -- Absent for the users of a host application: they have no password here.
    password_hash TEXT,
    -- The host application's own id of the user.
    external_id TEXT UNIQUE,
    role TEXT NOT NULL,
    display_name TEXT,
    first_name TEXT,
    last_name TEXT,
    birth_date TEXT,
    profession TEXT,
    city TEXT,
    language TEXT,
    time_zone TEXT,
    status_message TEXT,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER,
    deactivated_at INTEGER
) STRICT;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    agent TEXT,
    address TEXT,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    -- Unless it is used before; moves with each use.
    expires_at INTEGER NOT NULL,
    -- However much it is used.
    ends_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE ended_at IS NULL;

-- Every refresh token that a session ever had, hashed: a used one that comes back ends the session.
CREATE TABLE refresh_tokens (
    hash TEXT PRIMARY KEY,
    session_id INTEGER NOT NULL REFERENCES sessions (id),
    used_at INTEGER
) STRICT;
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
