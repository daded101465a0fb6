//! Messages: what was said, in the order in which it was said.

use crate::{ClientId, ConversationId, MessageId, Millis, Number, UserId, accounts::ServerRole, reactions::Reaction};

/// What a message's text is about: a text of its own, or a thing that stands somewhere else. Clients choose by it
/// how to show the message; to the server they are all alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageType {
    /// Words.
    #[default]
    Text,
    /// A picture.
    Image,
    /// A file.
    File,
    /// A recording.
    Audio,
    /// A film.
    Video,
}

impl MessageType {
    /// All types.
    pub const ALL: [Self; 5] = [Self::Text, Self::Image, Self::File, Self::Audio, Self::Video];

    /// The type's name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::File => "file",
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    /// The type of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

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
    /// What the author is called: see [`crate::accounts::Account::shown_name`]. A name that was changed is told of new
    /// messages from the author's next connection on, and of all when they are read again.
    pub author_shown_name: String,
    /// What the author may do on the server.
    pub author_role: ServerRole,
    /// What the text is about.
    pub message_type: MessageType,
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
pub struct Submission {
    /// Where to say it.
    pub conversation: ConversationId,
    /// The sender's id for this send.
    pub client_id: Option<ClientId>,
    /// What the text is about.
    pub message_type: MessageType,
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
