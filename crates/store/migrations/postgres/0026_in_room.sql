-- Most conversations have no threads, and all that is said in them stands in the room: for these the index of what
-- stands there was a second one of the numbers, and cost each message a page of the log. From here on it has only what
-- was said in the room after something had been said aside, and `aside` is 2 there. What was said before stands in the
-- room altogether, and is found by its number.
DROP INDEX messages_in_room;
UPDATE messages SET aside = 2
WHERE aside = 0 AND conversation_id IN (SELECT a.conversation_id FROM messages a WHERE a.aside = 1)
  AND seq > (SELECT MIN(b.seq) FROM messages b WHERE b.conversation_id = messages.conversation_id AND b.aside = 1);
CREATE INDEX messages_in_room ON messages (conversation_id, seq) WHERE aside = 2;
-- An earlier program would not find what has a 2, and would write a 0 in its place.
INSERT INTO meta (key, value) VALUES ('needs', '26') ON CONFLICT (key) DO UPDATE SET value = '26';
