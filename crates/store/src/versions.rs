//! Versions, the earlier texts of edited messages: rows and statements.
//!
//! They belong to a message and are gone with its text: [`crate::messages::delete`] removes them in its transaction.

use chat::{ConversationId, Millis, Number, UserId, messages::Message, versions::Version};
use sqlx::FromRow;

use crate::{
    Conn, Result,
    unreadable::{self, Rest, Salvage},
};

statements! {
    KEEP = "INSERT INTO message_versions (conversation_id, seq, number, editor_id, written_at, text)
            VALUES ($1, $2, $3, $4, $5, $6)";
    /// All but the last `$3` of a message.
    TRIM = "DELETE FROM message_versions WHERE conversation_id = $1 AND seq = $2 AND number <= (
                SELECT v.number FROM message_versions v WHERE v.conversation_id = $1 AND v.seq = $2
                ORDER BY v.number DESC LIMIT 1 OFFSET $3)";
    PAGE = "SELECT v.number, v.editor_id, v.written_at, v.text, COALESCE(u.username, '') AS username
            FROM message_versions v LEFT JOIN users u ON u.id = v.editor_id
            WHERE v.conversation_id = $1 AND v.seq = $2 AND v.number < $3 ORDER BY v.number DESC LIMIT CAST($4 AS BIGINT)";
    CLEAR = "DELETE FROM message_versions WHERE conversation_id = $1 AND seq = $2";
    CLEAR_ALL = "DELETE FROM message_versions WHERE conversation_id = $1";
}

#[derive(FromRow)]
struct Row {
    number: i64,
    editor_id: i64,
    written_at: i64,
    text: String,
    username: String,
}

impl Salvage for Row {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            number: rest.number("number")?,
            editor_id: rest.number("editor_id").unwrap_or_default(),
            written_at: rest.number("written_at").unwrap_or_default(),
            text: rest.text("text")?,
            username: rest.text("username").unwrap_or_default(),
        })
    }
}

impl Row {
    fn read(self) -> Version {
        Version {
            number: Number(self.number),
            text: self.text,
            editor: UserId(self.editor_id),
            editor_name: self.username,
            written_at: Millis(self.written_at),
        }
    }
}

/// Keeps the present text of a message, which the edit of this number is about to replace; of all that are kept then
/// only the last `most` stay.
///
/// # Errors
/// Those of the database.
pub async fn keep(conn: &mut Conn, message: &Message, number: Number, most: i64) -> Result<()> {
    let (conversation, seq) = (message.conversation.0, message.seq.0);
    let written_at = message.edited_at.unwrap_or(message.created_at);
    let text = message.text.as_deref().unwrap_or_default();
    sql!(conn, execute, KEEP, conversation, seq, number.0, message.author.0, written_at.0, text)?;
    sql!(conn, execute, TRIM, conversation, seq, most)?;
    Ok(())
}

/// At most `limit` earlier texts of a message that were replaced before this number, the last one first.
///
/// # Errors
/// Those of the database.
pub async fn page(
    conn: &mut Conn,
    conversation: ConversationId,
    seq: Number,
    before: Number,
    limit: i64,
) -> Result<Vec<Version>> {
    let rows = sql!(conn, salvage as Row, PAGE, conversation.0, seq.0, before.0, limit)?;
    unreadable::readable(rows, |row| Ok(row.read()))
}

/// Removes the earlier texts of a message.
pub(crate) async fn clear(conn: &mut Conn, conversation: ConversationId, seq: Number) -> Result<()> {
    sql!(conn, execute, CLEAR, conversation.0, seq.0)?;
    Ok(())
}

/// Removes the earlier texts of all messages of a conversation, which keeps them no longer.
///
/// # Errors
/// Those of the database.
pub async fn clear_all(conn: &mut Conn, conversation: ConversationId) -> Result<()> {
    sql!(conn, execute, CLEAR_ALL, conversation.0)?;
    Ok(())
}
