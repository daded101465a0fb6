//! The size of an answer to somebody who comes back, found out without reading it.

use chat::{ConversationId, Number};
use sqlx::FromRow;

use crate::{Conn, Result};

// The constants are about what a row has on the wire besides its text: fields, names, times.
statements! {
    WEIGHTS = "SELECT rev, weight FROM (
                 SELECT * FROM (
                   SELECT m.rev AS rev, 400 + COALESCE(OCTET_LENGTH(m.text), 0) AS weight FROM messages m
                   WHERE m.conversation_id = $1 AND m.seq > $2 AND m.seq <= $3 AND m.rev = m.seq AND m.seq >= $5
                   ORDER BY m.seq LIMIT CAST($4 AS BIGINT)) AS created
                 UNION ALL
                 SELECT * FROM (
                   SELECT m.rev AS rev, 400 + COALESCE(OCTET_LENGTH(m.text), 0)
                     + 24 * (SELECT COUNT(*) FROM reactions r WHERE r.message_id = m.id) AS weight FROM messages m
                   WHERE m.conversation_id = $1 AND m.rev > $2 AND m.rev <= $3 AND m.rev > m.seq AND m.seq >= $5
                   ORDER BY m.rev LIMIT CAST($4 AS BIGINT)) AS changed
                 UNION ALL
                 SELECT * FROM (
                   SELECT m.rev AS rev, 150 AS weight FROM members m
                   WHERE m.conversation_id = $1 AND m.rev > $2 AND m.rev <= $3
                   ORDER BY m.rev LIMIT CAST($4 AS BIGINT)) AS members
                 UNION ALL
                 SELECT * FROM (
                   SELECT t.rev AS rev, 150 AS weight FROM threads t
                   WHERE t.conversation_id = $1 AND t.rev > $2 AND t.rev <= $3 AND +t.seq >= $5
                   ORDER BY t.rev LIMIT CAST($4 AS BIGINT)) AS threads) AS all_of_them
               ORDER BY rev LIMIT CAST($4 AS BIGINT)";
}

/// A row that changed, and about how much it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The number of its last change.
    pub rev: Number,
    /// Bytes on the wire, about.
    pub bytes: i64,
}

#[derive(FromRow)]
struct Row {
    rev: i64,
    weight: i64,
}

/// The first `limit` rows of a conversation whose last change came after `since` and up to `to`, by that change; of the
/// messages those from `from` on, and of the threads those about them.
///
/// # Errors
/// Those of the database.
pub async fn weights(
    conn: &mut Conn,
    conversation: ConversationId,
    (since, to): (Number, Number),
    from: Number,
    limit: i64,
) -> Result<Vec<Weight>> {
    let rows = sql!(conn, fetch_all as Row, WEIGHTS, conversation.0, since.0, to.0, limit, from.0)?;
    Ok(rows.into_iter().map(|row| Weight { rev: Number(row.rev), bytes: row.weight }).collect())
}
