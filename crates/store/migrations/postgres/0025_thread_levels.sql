-- Which replies of a followed thread notify: the level's name; absent: as in its conversation.
ALTER TABLE followed_threads ADD COLUMN notify TEXT;
