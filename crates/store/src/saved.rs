//! Saved messages: rows and statements. A person saves a message at most once.

use chat::{ConversationId, MessageId, Millis, Number, UserId, saved::SavedMessage};
use sqlx::FromRow;

use crate::{Conn, Result};

statements! {
    SAVE = "INSERT INTO saved_messages (user_id, conversation_id, seq, message_id, saved_at, rev)
            VALUES ($1, $2, $3, $4, $5, $6)";
    UNSAVE = "DELETE FROM saved_messages WHERE user_id = $1 AND conversation_id = $2 AND seq = $3";
    ONE = "SELECT conversation_id, seq, message_id, saved_at, rev FROM saved_messages
           WHERE user_id = $1 AND conversation_id = $2 AND seq = $3";
    BEFORE = "SELECT conversation_id, seq, message_id, saved_at, rev FROM saved_messages
              WHERE user_id = $1 AND rev < $2 ORDER BY rev DESC LIMIT CAST($3 AS BIGINT)";
    WITHIN = "SELECT conversation_id, seq, message_id, saved_at, rev FROM saved_messages
              WHERE user_id = $1 AND rev >= $2 AND rev <= $3";
    COUNT = "SELECT COUNT(*) FROM saved_messages WHERE user_id = $1";
}

#[derive(FromRow)]
struct Row {
    conversation_id: i64,
    seq: i64,
    message_id: i64,
    saved_at: i64,
    rev: i64,
}

impl From<Row> for SavedMessage {
    fn from(row: Row) -> Self {
        Self {
            message: MessageId(row.message_id),
            conversation: ConversationId(row.conversation_id),
            seq: Number(row.seq),
            saved_at: Millis(row.saved_at),
            rev: Number(row.rev),
        }
    }
}

/// Stores that somebody has saved a message that they had not saved.
///
/// # Errors
/// Those of the database.
pub async fn save(conn: &mut Conn, user: UserId, saved: &SavedMessage) -> Result<()> {
    let SavedMessage { message, conversation, seq, saved_at, rev } = saved;
    sql!(conn, execute, SAVE, user.0, conversation.0, seq.0, message.0, saved_at.0, rev.0)?;
    Ok(())
}

/// Takes a message off; false if it was not saved.
///
/// # Errors
/// Those of the database.
pub async fn unsave(conn: &mut Conn, user: UserId, conversation: ConversationId, seq: Number) -> Result<bool> {
    Ok(sql!(conn, execute, UNSAVE, user.0, conversation.0, seq.0)? > 0)
}

/// The entry with which somebody has saved this message.
///
/// # Errors
/// Those of the database.
pub async fn one(
    conn: &mut Conn,
    user: UserId,
    conversation: ConversationId,
    seq: Number,
) -> Result<Option<SavedMessage>> {
    let row = sql!(conn, fetch_optional as Row, ONE, user.0, conversation.0, seq.0)?;
    Ok(row.map(SavedMessage::from))
}

/// At most `limit` messages that somebody saved before this number of their account, the last one first.
///
/// # Errors
/// Those of the database.
pub async fn before(conn: &mut Conn, user: UserId, rev: Number, limit: i64) -> Result<Vec<SavedMessage>> {
    let rows = sql!(conn, fetch_all as Row, BEFORE, user.0, rev.0, limit)?;
    Ok(rows.into_iter().map(SavedMessage::from).collect())
}

/// The messages that somebody saved under one of these numbers of their account.
///
/// # Errors
/// Those of the database.
pub async fn within(conn: &mut Conn, user: UserId, first: Number, last: Number) -> Result<Vec<SavedMessage>> {
    let rows = sql!(conn, fetch_all as Row, WITHIN, user.0, first.0, last.0)?;
    Ok(rows.into_iter().map(SavedMessage::from).collect())
}

/// How many messages somebody has saved, those that they do not see any more included.
///
/// # Errors
/// Those of the database.
pub async fn count(conn: &mut Conn, user: UserId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT, user.0)?;
    Ok(count)
}
