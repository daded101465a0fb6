//! The inbox: rows and statements. What is in it follows from the rows of mentions; only what was read is kept here.

use chat::{
    ConversationId, MessageId, Millis, Number, UserGroupId, UserId,
    inbox::{InboxPlace, InboxReason, ReadState, Source},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, unreadable};

const TABLE: &str = "inbox_reads";

statements! {
    /// Each half is read in the order of its index, and no further than the page needs.
    PAGE = "SELECT i.at, i.message_id, i.actor, i.reason, i.emoji, i.group_id, i.conversation_id, i.seq, i.number, i.read_seq,
                   COALESCE(u.username, '') AS username
            FROM (SELECT at, message_id, actor, reason, emoji, group_id, conversation_id, seq, number, read_seq FROM (
                SELECT a.at, a.message_id, a.actor, a.reason, a.emoji, CAST(0 AS BIGINT) AS group_id, a.conversation_id, a.seq, a.number, m.read_seq
                FROM mentions a JOIN members m ON m.conversation_id = a.conversation_id AND m.user_id = $1
                 AND m.role IS NOT NULL AND m.visible_from <= a.seq
                WHERE a.user_id = $1 AND a.actor <> $1
                 AND (a.at < $2 OR (a.at = $2 AND (a.message_id < $3 OR (a.message_id = $3 AND a.actor < $4))))
                ORDER BY a.at DESC, a.message_id DESC, a.actor DESC LIMIT CAST($5 AS BIGINT)) AS own
            UNION ALL SELECT at, message_id, actor, reason, emoji, group_id, conversation_id, seq, number, read_seq FROM (
                SELECT b.at, b.message_id, b.actor, b.scope AS reason, '' AS emoji, b.group_id, b.conversation_id, b.seq, b.number, m.read_seq
                FROM members m JOIN broadcasts b ON b.conversation_id = m.conversation_id AND b.seq >= m.visible_from
                WHERE m.user_id = $1 AND m.role IS NOT NULL AND b.actor <> $1
                 AND (b.at < $2 OR (b.at = $2 AND (b.message_id < $3 OR (b.message_id = $3 AND b.actor < $4))))
                 AND (b.scope <> 'group' OR EXISTS (SELECT 1 FROM user_group_members s
                      WHERE s.group_id = b.group_id AND s.user_id = $1 AND s.added_at <= b.at))
                ORDER BY b.at DESC, b.message_id DESC, b.actor DESC LIMIT CAST($5 AS BIGINT)) AS everybodys) AS i
            LEFT JOIN users u ON u.id = i.actor
            ORDER BY i.at DESC, i.message_id DESC, i.actor DESC LIMIT CAST($5 AS BIGINT)";
    /// The newest reply of others in each thread that the person follows, but for those whose level is lower.
    THREADS = "SELECT n.created_at AS at, n.id AS message_id, n.author_id AS actor, 'thread' AS reason, '' AS emoji,
                   CAST(0 AS BIGINT) AS group_id, n.conversation_id, n.seq, n.seq AS number, f.read_seq,
                   COALESCE(u.username, '') AS username
            FROM followed_threads f
            JOIN members m ON m.conversation_id = f.conversation_id AND m.user_id = f.user_id AND m.role IS NOT NULL
             AND m.visible_from <= f.seq
            JOIN messages n ON n.conversation_id = f.conversation_id AND n.seq = (
                SELECT x.seq FROM messages x
                WHERE x.conversation_id = f.conversation_id AND x.thread = f.seq AND x.thread IS NOT NULL
                  AND x.author_id <> $1 AND x.deleted_at IS NULL ORDER BY x.seq DESC LIMIT 1)
            LEFT JOIN users u ON u.id = n.author_id
            WHERE f.user_id = $1 AND f.follows = 1 AND (f.notify IS NULL OR f.notify = 'everything')
              AND (n.created_at < $2 OR (n.created_at = $2 AND (n.id < $3 OR (n.id = $3 AND n.author_id < $4))))
            ORDER BY n.created_at DESC, n.id DESC LIMIT CAST($5 AS BIGINT)";
    READ_STATE = "SELECT all_to, single, rev FROM inbox_reads WHERE user_id = $1";
    SET_READ_STATE = "INSERT INTO inbox_reads (user_id, all_to, single, rev) VALUES ($1, $2, $3, $4)
                      ON CONFLICT (user_id) DO UPDATE SET all_to = excluded.all_to, single = excluded.single, rev = excluded.rev";
}

/// An item of an inbox without its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its place.
    pub place: InboxPlace,
    /// Why it is there.
    pub reason: InboxReason,
    /// The username of the person who caused it.
    pub actor_name: String,
    /// The emoji of a reaction.
    pub emoji: Option<String>,
    /// The user group that was named.
    pub group: Option<UserGroupId>,
    /// Its message.
    pub source: Source,
    /// Whether the person has read the conversation, or the thread, beyond it.
    pub passed: bool,
}

#[derive(FromRow)]
struct Row {
    at: i64,
    message_id: i64,
    actor: i64,
    reason: String,
    emoji: String,
    group_id: i64,
    conversation_id: i64,
    seq: i64,
    number: i64,
    read_seq: i64,
    username: String,
}

impl Row {
    fn read(self) -> Option<InboxEntry> {
        let reason = InboxReason::from_name(&self.reason)?;
        Some(InboxEntry {
            place: InboxPlace { at: Millis(self.at), message: MessageId(self.message_id), actor: UserId(self.actor) },
            reason,
            actor_name: self.username,
            emoji: (reason == InboxReason::Reaction).then_some(self.emoji),
            group: (reason == InboxReason::Group).then_some(UserGroupId(self.group_id)),
            source: Source { conversation: ConversationId(self.conversation_id), seq: Number(self.seq) },
            passed: reason != InboxReason::Reaction && self.number <= self.read_seq,
        })
    }
}

/// At most `limit` entries of somebody's inbox before this place, newest first. One message may have several.
///
/// # Errors
/// Those of the database.
pub async fn page(conn: &mut Conn, user: UserId, before: InboxPlace, limit: i64) -> Result<Vec<InboxEntry>> {
    let rows = sql!(conn, fetch_all as Row, PAGE, user.0, before.at.0, before.message.0, before.actor.0, limit)?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

/// At most `limit` threads that somebody follows and whose newest reply of others is before this place, newest first.
///
/// # Errors
/// Those of the database.
pub async fn threads(conn: &mut Conn, user: UserId, before: InboxPlace, limit: i64) -> Result<Vec<InboxEntry>> {
    let rows = sql!(conn, fetch_all as Row, THREADS, user.0, before.at.0, before.message.0, before.actor.0, limit)?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

/// How much of their inbox somebody has read.
///
/// # Errors
/// Those of the database.
pub async fn read_state(conn: &mut Conn, user: UserId) -> Result<ReadState> {
    let found = sql!(conn, fetch_optional as (Option<String>, String, i64), READ_STATE, user.0)?;
    let Some((all_to, single, rev)) = found else { return Ok(ReadState::default()) };
    let all_to = all_to.and_then(|place| place.parse().ok());
    let places: Option<Vec<InboxPlace>> = serde_json::from_str::<Vec<String>>(&single)
        .ok()
        .and_then(|places| places.iter().map(|place| place.parse().ok()).collect());
    if places.is_none() {
        unreadable::note(TABLE, format!("user_id {user}"), "single");
    }
    let mut single = places.unwrap_or_default();
    single.sort_unstable();
    Ok(ReadState { all_to, single, rev: Number(rev) })
}

/// Keeps how much somebody has read.
///
/// # Errors
/// Those of the database.
pub async fn set_read_state(conn: &mut Conn, user: UserId, state: &ReadState) -> Result<()> {
    let single: Vec<String> = state.single.iter().map(ToString::to_string).collect();
    let single = serde_json::to_string(&single)
        .map_err(|e| Error::Other(format!("what was read in an inbox could not be written: {e}")))?;
    let all_to = state.all_to.map(|place| place.to_string());
    sql!(conn, execute, SET_READ_STATE, user.0, all_to, single, state.rev.0)?;
    Ok(())
}
