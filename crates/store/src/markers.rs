//! Markers: rows and statements.

use chat::{ConversationId, Millis, Number, UserId, markers::Markers};
use sqlx::FromRow;

use crate::{Conn, Result};

statements! {
    MOVE_MARKERS = "UPDATE members SET
                read_at = CASE WHEN read_seq < $3 THEN $5 ELSE read_at END,
                read_seq = CASE WHEN read_seq < $3 THEN $3 ELSE read_seq END,
                delivered_seq = CASE WHEN delivered_seq < $4 THEN $4 ELSE delivered_seq END
            WHERE conversation_id = $1 AND user_id = $2 AND role IS NOT NULL AND (read_seq < $3 OR delivered_seq < $4)
            RETURNING user_id, read_seq, delivered_seq, read_at";
    MARKERS_OF = "SELECT user_id, read_seq, delivered_seq, read_at FROM members
                  WHERE conversation_id = $1 AND user_id = $2 AND role IS NOT NULL";
    /// Conversations of `$1` after `$2` that are not read to their end, or are marked as unread.
    UNREAD = "SELECT m.conversation_id FROM members m JOIN conversations c ON c.id = m.conversation_id
              WHERE m.user_id = $1 AND m.role IS NOT NULL AND m.conversation_id > $2 AND (m.read_seq < c.head OR m.unread_from > 0)
              ORDER BY m.conversation_id LIMIT CAST($3 AS BIGINT)";
    MARKERS = "SELECT user_id, read_seq, delivered_seq, read_at FROM members WHERE conversation_id = $1 AND role IS NOT NULL ORDER BY user_id";
}

#[derive(FromRow)]
struct MarkersRow {
    user_id: i64,
    read_seq: i64,
    delivered_seq: i64,
    read_at: Option<i64>,
}

impl From<MarkersRow> for Markers {
    fn from(row: MarkersRow) -> Self {
        Self {
            user: UserId(row.user_id),
            read_seq: Number(row.read_seq),
            delivered_seq: Number(row.delivered_seq),
            read_at: row.read_at.map(Millis),
        }
    }
}

/// Moves a member's markers forward to these places; never back. Returns nothing if neither of them moves, or if the
/// person is no member.
///
/// # Errors
/// Those of the database.
pub async fn advance(
    conn: &mut Conn,
    conversation: ConversationId,
    user: UserId,
    read: Number,
    delivered: Number,
    now: Millis,
) -> Result<Option<Markers>> {
    Ok(sql!(conn, fetch_optional as MarkersRow, MOVE_MARKERS, conversation.0, user.0, read.0, delivered.0, now.0)?
        .map(Markers::from))
}

/// A member's markers.
///
/// # Errors
/// Those of the database.
pub async fn markers_of(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<Option<Markers>> {
    Ok(sql!(conn, fetch_optional as MarkersRow, MARKERS_OF, conversation.0, user.0)?.map(Markers::from))
}

/// The conversations of a person after this one, by id, that are not read to their end or are marked as unread.
///
/// # Errors
/// Those of the database.
pub async fn unread(conn: &mut Conn, user: UserId, after: ConversationId, limit: i64) -> Result<Vec<ConversationId>> {
    let rows = sql!(conn, fetch_all as (i64,), UNREAD, user.0, after.0, limit)?;
    Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
}

/// The markers of all members.
///
/// # Errors
/// Those of the database.
pub async fn markers(conn: &mut Conn, conversation: ConversationId) -> Result<Vec<Markers>> {
    Ok(sql!(conn, fetch_all as MarkersRow, MARKERS, conversation.0)?.into_iter().map(Markers::from).collect())
}
