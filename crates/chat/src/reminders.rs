//! Reminders: that somebody wants to be told of a message again, at a moment. They hold no text: whoever is reminded
//! reads the message as anybody does, if they still may.

use crate::{ConversationId, Millis, Number, ReminderId, UserId};

/// How far ahead a reminder must be at least, in milliseconds.
pub const SOONEST: i64 = 1_000;
/// How far ahead a reminder may be at most, in milliseconds: five years.
pub const LATEST: i64 = 5 * 366 * 86_400_000;

/// Somebody's reminder of a message. There is at most one for each person and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// Its id.
    pub id: ReminderId,
    /// Who is reminded; nobody else sees it.
    pub user: UserId,
    /// Where the message is.
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Number,
    /// When they want to be reminded.
    pub at: Millis,
    /// When they first asked for it.
    pub created_at: Millis,
    /// When it became due; absent while it waits. A reminder that is due stays until it is dismissed.
    pub due_at: Option<Millis>,
    /// The number of its last change in its person's account.
    pub rev: Number,
}
