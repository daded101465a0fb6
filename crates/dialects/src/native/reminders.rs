//! Reminders of messages: how one asks for them, and how they are shown.

use chat::reminders;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{self, Instant, Integer};
use crate::time::Time;

/// A message and a moment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateReminder {
    /// Where.
    pub(super) conversation: Integer,
    /// The `seq` of the message.
    pub(super) seq: Integer,
    /// When to be reminded: from a second to five years ahead.
    pub(super) at: Instant,
}

/// A reminder's id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfReminder {
    /// Which.
    pub(super) reminder: Integer,
}

/// A choice of reminders.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListReminders {
    /// Only those that are due, or only those that wait; all if absent.
    pub(super) due: Option<bool>,
}

/// Somebody's reminder of a message; only they see it. It never holds what the message says.
#[derive(Serialize, ToSchema)]
pub struct Reminder {
    /// Its id.
    id: i64,
    /// The conversation of the message.
    conversation: i64,
    /// The `seq` of the message.
    seq: i64,
    /// When to be reminded.
    #[schema(value_type = fields::Moment)]
    at: Time,
    /// Whether it is due: it stays so until it is dismissed.
    due: bool,
    /// When it was first asked for.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// The number of its last change in the account.
    rev: i64,
}

impl From<&reminders::Reminder> for Reminder {
    fn from(reminder: &reminders::Reminder) -> Self {
        Self {
            id: reminder.id.0,
            conversation: reminder.conversation.0,
            seq: reminder.seq.0,
            at: Time(reminder.at),
            due: reminder.due_at.is_some(),
            created_at: Time(reminder.created_at),
            rev: reminder.rev.0,
        }
    }
}

/// A reminder that is no more.
#[derive(Serialize, ToSchema)]
pub struct RemovedReminder {
    /// The id that the reminder had.
    pub(crate) id: i64,
}

/// Somebody's reminders.
#[derive(Serialize, ToSchema)]
pub struct Reminders {
    /// By their moments.
    pub(crate) reminders: Vec<Reminder>,
}
