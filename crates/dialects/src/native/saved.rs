//! Saved messages: how they are listed, and how they are shown.

use chat::{ConversationId, Error, Number, Query, saved};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    fields::{self, Integer, Text, number},
    messages::Message,
    pages::{CURSOR_DIGITS, page_limit, strange_cursor},
};
use crate::time::Time;

/// A page of one's saved messages.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListSaved {
    /// The previous page's `next_cursor`.
    cursor: Option<Text>,
    /// At most so many; 50 if absent.
    limit: Option<Integer>,
    /// Whether the messages themselves are wanted; true if absent.
    messages: Option<bool>,
}

impl ListSaved {
    pub(super) fn query(self) -> Result<Query, Error> {
        let before = |Text(text)| number(&text).filter(|_| text.len() <= CURSOR_DIGITS).ok_or_else(strange_cursor);
        Ok(Query::SavedMessages {
            before: self.cursor.map(before).transpose()?.map(Number),
            limit: page_limit(self.limit)?,
            messages: self.messages.unwrap_or(true),
        })
    }
}

/// A message that the speaker has saved; nobody else sees it. It never holds the message's text.
#[derive(Serialize, ToSchema)]
pub struct SavedMessage {
    /// The conversation of the message.
    conversation: i64,
    /// The `seq` of the message.
    seq: i64,
    /// When it was saved.
    #[schema(value_type = fields::Moment)]
    saved_at: Time,
    /// The number in the account with which it was saved.
    rev: i64,
}

impl From<&saved::SavedMessage> for SavedMessage {
    fn from(saved: &saved::SavedMessage) -> Self {
        Self { conversation: saved.conversation.0, seq: saved.seq.0, saved_at: Time(saved.saved_at), rev: saved.rev.0 }
    }
}

/// A message that is not saved any more.
#[derive(Serialize, ToSchema)]
pub struct UnsavedMessage {
    /// The conversation of the message.
    conversation: i64,
    /// The `seq` of the message.
    seq: i64,
}

impl UnsavedMessage {
    pub(super) fn new(conversation: ConversationId, seq: Number) -> Self {
        Self { conversation: conversation.0, seq: seq.0 }
    }
}

/// A saved message, and what can be read of it.
#[derive(Serialize, ToSchema)]
pub struct SavedEntry<'a> {
    /// The entry, without the message.
    saved: SavedMessage,
    /// The message as it is now; absent if it was deleted, if one does not see it any more, or if it was not asked for.
    message: Option<Message<'a>>,
}

impl<'a> From<&'a saved::SavedEntry> for SavedEntry<'a> {
    fn from(entry: &'a saved::SavedEntry) -> Self {
        Self { saved: (&entry.saved).into(), message: entry.message.as_ref().map(Message::from) }
    }
}

/// A page of one's saved messages.
#[derive(Serialize, ToSchema)]
pub struct SavedMessages<'a> {
    /// The one that was saved last first.
    entries: Vec<SavedEntry<'a>>,
    /// Present if there are more: give it as `cursor`.
    next_cursor: Option<String>,
}

impl<'a> SavedMessages<'a> {
    pub(super) fn new(entries: &'a [saved::SavedEntry], next: Option<Number>) -> Self {
        let entries = entries.iter().map(SavedEntry::from).collect();
        Self { entries, next_cursor: next.map(|rev| rev.to_string()) }
    }
}
