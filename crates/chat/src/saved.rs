//! Saved messages: those that a person wants to find again. An entry holds no text: its person reads the message like any
//! other, if they still may.

use crate::{ConversationId, MessageId, Millis, Number, messages::Message, people::NamesPeople};

/// That a person has saved a message. There is at most one for each person and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub struct SavedMessage {
    /// The message.
    pub message: MessageId,
    /// The message's conversation.
    pub conversation: ConversationId,
    /// The message's `seq` there.
    pub seq: Number,
    /// When it was saved.
    pub saved_at: Millis,
    /// The number in its person's account with which it was saved.
    pub rev: Number,
}

/// A saved message with what can be read of it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct SavedEntry {
    /// The saved message.
    pub saved: SavedMessage,
    /// The message as it is now; absent if it was deleted, if the person does not see it any more, or if it was not asked
    /// for.
    pub message: Option<Message>,
}
