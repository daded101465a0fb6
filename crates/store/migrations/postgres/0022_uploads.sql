-- Uploads in parts, and pictures made smaller.

-- A file whose bytes come over several requests. No foreign keys, as for files.
CREATE TABLE uploads (
    -- From a counter; jobs name an upload by it.
    number BIGINT NOT NULL PRIMARY KEY,
    -- Random; the file that it becomes has the same.
    id TEXT NOT NULL UNIQUE,
    owner_id BIGINT NOT NULL,
    -- What its owner calls the file, in stored form.
    name TEXT NOT NULL,
    -- Bytes of the whole.
    size BIGINT NOT NULL,
    -- Bytes that have come, and in how many parts they are kept.
    received BIGINT NOT NULL DEFAULT 0,
    parts BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When it became a file or was given up: its parts are being removed.
    gone_at BIGINT
);
CREATE INDEX uploads_of_owner ON uploads (owner_id, gone_at, size);

-- The parts of an upload, in their order. Their bytes are kept as those of files are.
CREATE TABLE upload_parts (
    upload BIGINT NOT NULL,
    nth BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    size BIGINT NOT NULL,
    PRIMARY KEY (upload, nth)
);

-- Pictures made smaller, by the number of their file. Their bytes are kept as those of files are.
CREATE TABLE thumbnails (
    file BIGINT NOT NULL,
    -- small or large.
    size TEXT NOT NULL,
    owner_id BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    media_type TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (file, size)
);

-- How an image looks from far away; absent for other files and those that cannot be decoded.
ALTER TABLE files ADD COLUMN blurhash TEXT;

INSERT INTO counters (name, value) VALUES ('upload', 0);
