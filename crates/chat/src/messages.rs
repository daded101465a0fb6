//! Messages, in the order in which they were sent.

use std::borrow::Cow;

use crate::{
    ClientId, ConversationId, FileId, MessageId, Millis, Number, UserId,
    accounts::ServerRole,
    files::File,
    mentions::{Mentions, Reach},
    people::NamesPeople,
    previews::Preview,
    reactions::Reaction,
    threads::{Summary, Target},
};

/// The content that a message's text describes: the text itself, or something stored elsewhere. Clients choose by it
/// how to show the message; the server treats all types alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, NamesPeople)]
pub enum MessageType {
    /// Plain text.
    #[default]
    Text,
    /// An image.
    Image,
    /// A file.
    File,
    /// An audio recording.
    Audio,
    /// A video.
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
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Message {
    /// Unique on the server.
    pub id: MessageId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The number with which it was created: its place in the timeline.
    pub seq: Number,
    /// The number of its last change (edit, deletion, reaction); `seq` if there was none.
    pub rev: Number,
    /// Its author.
    pub author: UserId,
    /// The author's username.
    pub author_name: String,
    /// The author's name as others see it: see [`crate::accounts::Account::shown_name`]. New messages carry a changed
    /// name from the author's next connection on, and all messages when they are read again.
    pub author_shown_name: String,
    /// The author's role on the server.
    pub author_role: ServerRole,
    /// The type of the content.
    pub message_type: MessageType,
    /// The sender's own id for the send, if it had one.
    pub client_id: Option<ClientId>,
    /// The text as it was written; `None` once deleted (a tombstone).
    pub text: Option<String>,
    /// The message that it replies to, by `seq`.
    pub parent: Option<Number>,
    /// The message whose thread it stands in, by `seq`.
    pub thread: Option<Number>,
    /// Whether it stands in the room although it is a reply in a thread. False for what is in no thread.
    pub also_in_room: bool,
    /// The thread about this message, if there is one. Changes of a conversation have it apart from the message.
    pub summary: Option<Box<Summary>>,
    /// When it was stored. Order is by `seq`, never by time.
    pub created_at: Millis,
    /// When its text was last changed.
    pub edited_at: Option<Millis>,
    /// When it was deleted.
    pub deleted_at: Option<Millis>,
    /// The files that it carries, in the order of its sender; none once deleted.
    pub files: Vec<File>,
    /// The reactions, in order of the first use of each emoji.
    pub reactions: Vec<Reaction>,
    /// Those whom it is for.
    pub mentions: Mentions,
    /// The preview of the page behind its first link, once that is known; none once deleted.
    pub preview: Option<Box<Preview>>,
}

impl Message {
    /// The text for those who know no files: each is named on a line of its own. `None` once deleted.
    #[must_use]
    pub fn words(&self) -> Option<Cow<'_, str>> {
        self.words_calling(File::called)
    }

    /// The same with files called by what this says. `None` once deleted.
    #[must_use]
    pub fn words_calling(&self, called: impl Fn(&File) -> String) -> Option<Cow<'_, str>> {
        let text = self.text.as_deref()?;
        if self.files.is_empty() {
            return Some(text.into());
        }
        let named = self.files.iter().map(called);
        let lines: Vec<String> =
            Some(text).filter(|text| !text.is_empty()).map(str::to_owned).into_iter().chain(named).collect();
        Some(lines.join("\n").into())
    }

    /// Whether it stands in the room; otherwise it is in its thread only.
    #[must_use]
    pub fn is_in_room(&self) -> bool {
        self.thread.is_none() || self.also_in_room
    }
}

/// A send that the engine has checked as far as it can without the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct Submission {
    /// The conversation.
    pub conversation: ConversationId,
    /// The sender's id for this send.
    pub client_id: Option<ClientId>,
    /// The type of the content.
    pub message_type: MessageType,
    /// The text; it may be empty if there are files.
    pub text: String,
    /// The `seq` of the message that it replies to.
    pub parent: Option<Number>,
    /// How many people the sender has agreed to reach.
    pub reach: Reach,
    /// Files that the sender has uploaded and no message holds yet, in order.
    pub files: Vec<FileId>,
    /// Where it is to stand.
    pub target: Target,
}

impl Submission {
    /// Whether another send says the same: how many people it may reach is no part of that.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        Self { reach: other.reach, ..self.clone() } == *other
    }
}

/// The answer to a send. It is the same for every repeat.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Sent {
    /// The conversation.
    pub conversation: ConversationId,
    /// The number of the message.
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

/// The messages of a conversation that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, NamesPeople)]
pub enum View {
    /// All, as they are shown where nobody knows of threads.
    #[default]
    All,
    /// Those that stand in the room.
    Room,
    /// The replies in the thread about this message.
    Thread(Number),
}

/// The part of a conversation's history that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NamesPeople)]
pub enum Anchor {
    /// The newest messages.
    Latest,
    /// The messages just before this number.
    Before(Number),
    /// The messages just after this number.
    After(Number),
    /// The messages on both sides of this number, itself included.
    Around(Number),
}

/// A page of history, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
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
