//! Receipts and the conversation list: rows and statements.

use chat::{
    ConversationId, Millis, Number, UserId, conversations::Conversation, members::Role, query::ListPosition,
    receipts::Markers,
};
use sqlx::FromRow;

use crate::{Conn, Result, conversations, members::read_role};

statements! {
    MARK = "UPDATE members SET
                read_at = CASE WHEN read_seq < $3 THEN $5 ELSE read_at END,
                read_seq = CASE WHEN read_seq < $3 THEN $3 ELSE read_seq END,
                delivered_seq = CASE WHEN delivered_seq < $4 THEN $4 ELSE delivered_seq END
            WHERE conversation_id = $1 AND user_id = $2 AND role IS NOT NULL
            RETURNING user_id, read_seq, delivered_seq, read_at";
    MARKERS = "SELECT user_id, read_seq, delivered_seq, read_at FROM members WHERE conversation_id = $1 AND role IS NOT NULL ORDER BY user_id";
    LISTED = "SELECT c.id, c.kind, c.visibility, c.name, c.topic, c.pair_low, c.pair_high, c.created_by, c.created_at, c.head, c.rev, \
                     c.member_count, c.active_at, m.role, m.read_seq, (
                  SELECT COUNT(*) FROM (SELECT 1 FROM messages n
                      WHERE n.conversation_id = c.id AND n.seq > m.read_seq AND n.author_id <> $1 AND n.deleted_at IS NULL
                      LIMIT 1000) AS counted) AS unread
              FROM members m JOIN conversations c ON c.id = m.conversation_id
              WHERE m.user_id = $1 AND m.role IS NOT NULL AND (c.id = $2 OR ($2 = 0 AND c.head > m.hidden_seq))
                AND (c.active_at < $3 OR (c.active_at = $3 AND c.id < $4))
              ORDER BY c.active_at DESC, c.id DESC LIMIT $5";
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

/// Moves a member's markers forward to these places; never back. Nothing if they are no member.
///
/// # Errors
/// Those of the database.
pub async fn mark(
    conn: &mut Conn,
    conversation: ConversationId,
    user: UserId,
    read: Number,
    delivered: Number,
    now: Millis,
) -> Result<Option<Markers>> {
    Ok(sql!(conn, fetch_optional as MarkersRow, MARK, conversation.0, user.0, read.0, delivered.0, now.0)?
        .map(Markers::from))
}

/// The markers of all members.
///
/// # Errors
/// Those of the database.
pub async fn markers(conn: &mut Conn, conversation: ConversationId) -> Result<Vec<Markers>> {
    Ok(sql!(conn, fetch_all as MarkersRow, MARKERS, conversation.0)?.into_iter().map(Markers::from).collect())
}

#[derive(FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    conversation: conversations::Row,
    role: String,
    read_seq: i64,
    unread: i64,
}

/// A conversation in somebody's list, without its last message and peer.
pub struct Entry {
    /// The conversation.
    pub conversation: Conversation,
    /// The person's role.
    pub role: Role,
    /// Their read marker.
    pub read_seq: Number,
    /// Others' messages after it, counted up to [`chat::limits::UNREAD_CAP`].
    pub unread: i64,
    /// Where the list stands after this entry.
    pub position: ListPosition,
}

/// A person's conversations, the most recently active first; or just the one that is asked for.
///
/// # Errors
/// Those of the database.
pub async fn listed(
    conn: &mut Conn,
    user: UserId,
    only: Option<ConversationId>,
    after: Option<ListPosition>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let only = only.map_or(0, |id| id.0);
    let (active_at, id) = after.map_or((i64::MAX, i64::MAX), |p| (p.active_at, p.conversation.0));
    sql!(conn, fetch_all as ListedRow, LISTED, user.0, only, active_at, id, limit)?
        .into_iter()
        .map(|row| {
            let position = ListPosition {
                active_at: row.conversation.active_at,
                conversation: ConversationId(row.conversation.id),
            };
            let role = read_role(&row.role, row.conversation.id)?;
            Ok(Entry {
                conversation: row.conversation.read()?,
                role,
                read_seq: Number(row.read_seq),
                unread: row.unread,
                position,
            })
        })
        .collect()
}
