//! Reminders: rows and statements. Somebody has at most one of each message.

use chat::{ConversationId, Millis, Number, ReminderId, UserId, reminders::Reminder};
use sqlx::FromRow;

use crate::{Conn, Result};

statements! {
    PUT = "INSERT INTO reminders (id, user_id, conversation_id, seq, at, created_at, rev)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (user_id, conversation_id, seq) DO UPDATE SET at = excluded.at, due_at = NULL, rev = excluded.rev
           RETURNING id, user_id, conversation_id, seq, at, created_at, due_at, rev";
    BECOME_DUE = "UPDATE reminders SET due_at = $2, rev = $3 WHERE id = $1
                  RETURNING id, user_id, conversation_id, seq, at, created_at, due_at, rev";
    REMOVE = "DELETE FROM reminders WHERE id = $1 AND user_id = $2";
    BY_ID = "SELECT id, user_id, conversation_id, seq, at, created_at, due_at, rev FROM reminders WHERE id = $1";
    OF_MESSAGE = "SELECT id, user_id, conversation_id, seq, at, created_at, due_at, rev FROM reminders
                  WHERE user_id = $1 AND conversation_id = $2 AND seq = $3";
    OF_USER = "SELECT id, user_id, conversation_id, seq, at, created_at, due_at, rev FROM reminders
               WHERE user_id = $1 ORDER BY at, id";
    COUNT = "SELECT COUNT(*) FROM reminders WHERE user_id = $1";
}

#[derive(FromRow)]
struct ReminderRow {
    id: i64,
    user_id: i64,
    conversation_id: i64,
    seq: i64,
    at: i64,
    created_at: i64,
    due_at: Option<i64>,
    rev: i64,
}

impl From<ReminderRow> for Reminder {
    fn from(row: ReminderRow) -> Self {
        Self {
            id: ReminderId(row.id),
            user: UserId(row.user_id),
            conversation: ConversationId(row.conversation_id),
            seq: Number(row.seq),
            at: Millis(row.at),
            created_at: Millis(row.created_at),
            due_at: row.due_at.map(Millis),
            rev: Number(row.rev),
        }
    }
}

/// Stores that somebody wants to be reminded of a message, now and under a number of their account. If they already do, only the moment becomes another, and a
/// reminder that was due waits again.
///
/// # Errors
/// Those of the database.
pub async fn put(
    conn: &mut Conn,
    user: UserId,
    conversation: ConversationId,
    seq: Number,
    at: Millis,
    (now, rev): (Millis, Number),
) -> Result<Reminder> {
    let id = conn.next_id("reminder").await?;
    let row = sql!(conn, fetch_one as ReminderRow, PUT, id, user.0, conversation.0, seq.0, at.0, now.0, rev.0)?;
    Ok(row.into())
}

/// Notes that a reminder is due, now and under a number of its person's account; returns it as it then stands, or nothing if there is none.
///
/// # Errors
/// Those of the database.
pub async fn become_due(conn: &mut Conn, id: ReminderId, (now, rev): (Millis, Number)) -> Result<Option<Reminder>> {
    Ok(sql!(conn, fetch_optional as ReminderRow, BECOME_DUE, id.0, now.0, rev.0)?.map(Reminder::from))
}

/// Removes somebody's reminder. Whether there was one.
///
/// # Errors
/// Those of the database.
pub async fn remove(conn: &mut Conn, user: UserId, id: ReminderId) -> Result<bool> {
    Ok(sql!(conn, execute, REMOVE, id.0, user.0)? == 1)
}

/// A reminder.
///
/// # Errors
/// Those of the database.
pub async fn by_id(conn: &mut Conn, id: ReminderId) -> Result<Option<Reminder>> {
    Ok(sql!(conn, fetch_optional as ReminderRow, BY_ID, id.0)?.map(Reminder::from))
}

/// Somebody's reminder of a message.
///
/// # Errors
/// Those of the database.
pub async fn of_message(
    conn: &mut Conn,
    user: UserId,
    conversation: ConversationId,
    seq: Number,
) -> Result<Option<Reminder>> {
    let row = sql!(conn, fetch_optional as ReminderRow, OF_MESSAGE, user.0, conversation.0, seq.0)?;
    Ok(row.map(Reminder::from))
}

/// Somebody's reminders by their moments. They are so few that they need no pages.
///
/// # Errors
/// Those of the database.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Reminder>> {
    Ok(sql!(conn, fetch_all as ReminderRow, OF_USER, user.0)?.into_iter().map(Reminder::from).collect())
}

/// How many reminders somebody has, those that are due included.
///
/// # Errors
/// Those of the database.
pub async fn count(conn: &mut Conn, user: UserId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT, user.0)?;
    Ok(count)
}
