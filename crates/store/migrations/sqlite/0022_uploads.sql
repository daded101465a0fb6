-- Uploads in parts, and pictures made smaller.

-- A file whose bytes come over several requests. No foreign keys, as for files.
CREATE TABLE uploads (
    -- From a counter; jobs name an upload by it.
    number INTEGER NOT NULL PRIMARY KEY,
    -- Random; the file that it becomes has the same.
    id TEXT NOT NULL UNIQUE,
    owner_id INTEGER NOT NULL,
    -- What its owner calls the file, in stored form.
    name TEXT NOT NULL,
    -- Bytes of the whole.
    size INTEGER NOT NULL,
    -- Bytes that have come, and in how many parts they are kept.
    received INTEGER NOT NULL DEFAULT 0,
    parts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- When it became a file or was given up: its parts are being removed.
    gone_at INTEGER
) STRICT;
CREATE INDEX uploads_of_owner ON uploads (owner_id, gone_at, size);

-- The parts of an upload, in their order. Their bytes are kept as those of files are.
CREATE TABLE upload_parts (
    upload INTEGER NOT NULL,
    nth INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    PRIMARY KEY (upload, nth)
) STRICT;

-- Pictures made smaller, by the number of their file. Their bytes are kept as those of files are.
CREATE TABLE thumbnails (
    file INTEGER NOT NULL,
    -- small or large.
    size TEXT NOT NULL,
    owner_id INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (file, size)
) STRICT;

-- How an image looks from far away; absent for other files and those that cannot be decoded.
ALTER TABLE files ADD COLUMN blurhash TEXT;

INSERT INTO counters (name, value) VALUES ('upload', 0);
