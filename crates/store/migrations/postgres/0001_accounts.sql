-- Accounts, and the log-ins that belong to them.

-- SQLite's json_each for arrays, under the same name: with it, a statement that takes a whole batch
-- as one JSON parameter has the same text on both databases.
CREATE FUNCTION json_each(text) RETURNS TABLE (key BIGINT, value JSON)
    LANGUAGE sql IMMUTABLE ROWS 50
    AS $$ SELECT ordinality - 1, e.value FROM json_array_elements($1::json) WITH ORDINALITY AS e (value, ordinality) $$;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- The next ids of users and of conversations: explicit counters, so that a host application's own
-- user ids can be kept and the counter be moved past them.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('user', 0), ('conversation', 0), ('session', 0);

CREATE TABLE users (
    id BIGINT PRIMARY KEY,
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
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT,
    deactivated_at BIGINT
);

CREATE TABLE sessions (
    id BIGINT PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    agent TEXT,
    address TEXT,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    -- Unless it is used before; moves with each use.
    expires_at BIGINT NOT NULL,
    -- However much it is used.
    ends_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE ended_at IS NULL;

-- Every refresh token that a session ever had, hashed: a used one that comes back ends the session.
CREATE TABLE refresh_tokens (
    hash TEXT PRIMARY KEY,
    session_id BIGINT NOT NULL REFERENCES sessions (id),
    used_at BIGINT
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
