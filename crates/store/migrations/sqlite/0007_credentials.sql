-- Mail addresses are hints that nobody has verified: several accounts may name one, so that registering tells nobody
-- whether an address is known here. `email_key`, which is unique, stays for programs of the version before; accounts
-- that are made from here on have none.
ALTER TABLE users ADD COLUMN mail_key TEXT;
UPDATE users SET mail_key = email_key WHERE email_key IS NOT NULL;
CREATE INDEX users_by_mail ON users (mail_key) WHERE mail_key IS NOT NULL;

-- The hash of the token that a used one was traded for: while that is unused, its answer may have been lost, and the
-- used one is answered once more.
ALTER TABLE refresh_tokens ADD COLUMN successor TEXT;

-- Where somebody has logged in before: also in sessions that have ended.
CREATE INDEX sessions_by_user ON sessions (user_id, id);
