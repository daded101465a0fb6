-- Which nodes have written here, and how far. A node counts its transactions in its own row, in each of them: what it
-- was told is committed and what stands here are equal, unless the database came back with less.
CREATE TABLE nodes (
    -- A random name, another at every start.
    id BIGINT PRIMARY KEY,
    -- How many transactions it has committed under this name.
    mark BIGINT NOT NULL,
    -- When it last said so, in milliseconds since 1970.
    seen_at BIGINT NOT NULL,
    -- What must be alike on all nodes, as JSON; empty of operators' commands.
    about TEXT NOT NULL DEFAULT ''
) WITH (fillfactor = 25);
