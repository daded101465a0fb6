//! Reminders of messages, due at a chosen time. They hold no text: their owner reads the message like any other, if
//! they still may.

use crate::{ConversationId, Millis, Number, ReminderId, UserId, people::NamesPeople};

/// The earliest time of a reminder, in milliseconds from now.
pub const SOONEST: i64 = 1_000;
/// The latest time of a reminder, in milliseconds from now: five years.
pub const LATEST: i64 = 5 * 366 * 86_400_000;

/// A reminder of a message. There is at most one for each person and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub struct Reminder {
    /// Its id.
    pub id: ReminderId,
    /// The person who is reminded; nobody else sees it.
    pub user: UserId,
    /// The message's conversation.
    pub conversation: ConversationId,
    /// The message.
    pub seq: Number,
    /// When they want to be reminded.
    pub at: Millis,
    /// When it was first created.
    pub created_at: Millis,
    /// When it became due; absent while it waits. A due reminder stays until it is dismissed.
    pub due_at: Option<Millis>,
    /// The number of its last change in its person's account.
    pub rev: Number,
}
