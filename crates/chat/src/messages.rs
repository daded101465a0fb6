//! Messages: what was said, in the order in which it was said.

use crate::{ClientId, ConversationId, MessageId, Millis, Number, UserId, reactions::Reaction};

/// A message in its present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Unique on the server.
    pub id: MessageId,
    /// Where it was said.
    pub conversation: ConversationId,
    /// Its place in the timeline: the number it was created with.
    pub seq: Number,
    /// The number of its last change (edit, deletion, reaction); `seq` if there was none.
    pub rev: Number,
    /// Who said it.
    pub author: UserId,
    /// The author's name.
    pub author_name: String,
    /// The sender's own id for the send, if it had one.
    pub client_id: Option<ClientId>,
    /// The text as it was written; `None` once deleted (a tombstone).
    pub text: Option<String>,
    /// The message it answers, by `seq`.
    pub parent: Option<Number>,
    /// When it was stored. Order is by `seq`, never by time.
    pub created_at: Millis,
    /// When its text was last changed.
    pub edited_at: Option<Millis>,
    /// When it was deleted.
    pub deleted_at: Option<Millis>,
    /// Who reacted how, in order of the first use of each emoji.
    pub reactions: Vec<Reaction>,
}

/// A send that the engine has checked as far as it can without the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where to say it.
    pub conversation: ConversationId,
    /// The sender's id for this send.
    pub client_id: Option<ClientId>,
    /// The text.
    pub text: String,
    /// The `seq` of the message it answers.
    pub parent: Option<Number>,
}

/// The answer to a send: where the message stands. The same for every repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message's place.
    pub seq: Number,
    /// The message's id.
    pub id: MessageId,
    /// The sender's id for the send.
    pub client_id: Option<ClientId>,
    /// When it was stored.
    pub created_at: Millis,
    /// True if this send only repeated an earlier one.
    pub repeated: bool,
}

/// Which part of a conversation's history is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The newest messages.
    Latest,
    /// The messages just before this place.
    Before(Number),
    /// The messages just after this place.
    After(Number),
    /// The messages on both sides of this place, itself included.
    Around(Number),
}

/// A page of history, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The messages, tombstones included.
    pub messages: Vec<Message>,
    /// Whether there are older messages than the first.
    pub has_more_before: bool,
    /// Whether there are newer messages than the last.
    pub has_more_after: bool,
    /// The conversation's head when the page was read.
    pub head: Number,
}
