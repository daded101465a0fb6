-- Who an account is in the systems that vouch for people: host applications now, other issuers later.

-- An issuer vouches for each of its people once, and knows an account as one person at most.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    -- Who wrote to this person or named them before they came. The account was made for that.
    named_by BIGINT,
    -- 1 until the person comes: their name is taken from their first token then.
    awaited BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX identities_of_user ON identities (user_id, issuer);
CREATE INDEX identities_named_by ON identities (named_by, created_at) WHERE named_by IS NOT NULL;

INSERT INTO identities (issuer, subject, user_id, created_at)
    SELECT 'default', external_id, id, created_at FROM users WHERE external_id IS NOT NULL;

-- Until now the old endpoints took an account's own id for its number in the host application. Where that was no number
-- that the host had given to this person, it may mean somebody else, and what was written to it has reached this account.
CREATE TABLE squatted_numbers (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    PRIMARY KEY (issuer, subject)
);

INSERT INTO squatted_numbers (issuer, subject, user_id)
    SELECT 'default', CAST(id AS TEXT), id FROM users
    WHERE (external_id IS NULL OR external_id <> CAST(id AS TEXT))
    AND EXISTS (SELECT 1 FROM users WHERE external_id IS NOT NULL);
