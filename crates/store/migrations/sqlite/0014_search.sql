-- For what follows the messages, such as the index for searching. Here that index is a file of its own, with its cursors
-- inside; and there is one node.

-- The number of the last change of a message's text. Absent if the text is as it was sent, or if it was last changed by
-- a program that did not know this column.
ALTER TABLE messages ADD COLUMN text_rev INTEGER;
