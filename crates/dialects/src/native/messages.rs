//! Messages: what may be asked of them, and how they are shown.

use chat::{
    ConversationId, Error, Number, Query,
    mentions::Reach,
    messages::{self, Anchor, Submission, View},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accounts::Person,
    fields::{self, FileKey, Integer, Key, Text},
    files::File,
    mentions::Mentions,
    pages::page_limit,
    previews::Preview,
    reactions::Reaction,
    threads::{ThreadSummary, target},
};
use crate::time::Time;

/// A message that is to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendMessage {
    /// Where.
    pub(super) conversation: Integer,
    /// Chosen by the client; makes a repeat harmless for ever.
    pub(super) client_id: Option<Key>,
    /// The type of the message; `text` if absent.
    pub(super) message_type: Option<fields::MessageType>,
    /// The text.
    pub(super) text: Text,
    /// The `seq` of the message that it answers.
    pub(super) parent: Option<Integer>,
    /// To confirm that it may reach so many people. Without it, and where more would be reached, a text that calls many
    /// is refused, and the refusal says how many there are.
    pub(super) reach: Option<Integer>,
    /// Uploaded files of the speaker that no message holds yet; with them the text may be empty.
    pub(super) files: Option<Vec<FileKey>>,
    /// The `seq` of the message in whose thread it is to stand, or 0 for the room. Without it, what answers a reply joins
    /// that reply's thread: the client knows no threads.
    pub(super) thread: Option<Integer>,
    /// Whether a reply in a thread is to stand in the room as well.
    pub(super) also_in_room: Option<bool>,
}

impl SendMessage {
    pub(super) fn submission(self) -> Result<Submission, Error> {
        let send = self;
        Ok(Submission {
            conversation: ConversationId(send.conversation.0),
            client_id: send.client_id.map(|key| key.0),
            message_type: send.message_type.map(|kind| kind.0).unwrap_or_default(),
            text: send.text.0,
            parent: send.parent.map(|seq| Number(seq.0)),
            reach: Reach::Agreed(send.reach.map_or(0, |people| people.0)),
            files: send.files.unwrap_or_default().into_iter().map(|key| key.0).collect(),
            target: target(send.thread, send.also_in_room.unwrap_or_default())?,
        })
    }
}

/// A conversation, and which part of its history. At most one of the three numbers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadHistory {
    /// Where.
    pub(super) conversation: Integer,
    /// The messages just before this number; without the other two.
    pub(super) before_seq: Option<Integer>,
    /// The messages just after this number; without the other two.
    pub(super) after_seq: Option<Integer>,
    /// The messages on both sides of this number; without the other two.
    pub(super) around_seq: Option<Integer>,
    /// A thread: only its replies, by the `seq` of the message that it is about; with 0 those that stand in the room;
    /// without it all, for a client that knows no threads.
    pub(super) thread: Option<Integer>,
    /// How many; 50 if absent.
    pub(super) limit: Option<Integer>,
}

impl ReadHistory {
    pub(super) fn query(self) -> Result<Query, Error> {
        let anchor = match (self.before_seq, self.after_seq, self.around_seq) {
            (None, None, None) => Anchor::Latest,
            (Some(seq), None, None) => Anchor::Before(Number(seq.0)),
            (None, Some(seq), None) => Anchor::After(Number(seq.0)),
            (None, None, Some(seq)) => Anchor::Around(Number(seq.0)),
            (_, second, third) => {
                let field = if third.is_some() && second.is_none() { "around_seq" } else { "after_seq" };
                return Err(Error::invalid(field, "Only one of before_seq, after_seq and around_seq may be given."));
            }
        };
        let view = match self.thread {
            None => View::All,
            Some(Integer(0)) => View::Room,
            Some(Integer(root)) => View::Thread(Number(root)),
        };
        let conversation = ConversationId(self.conversation.0);
        Ok(Query::History { conversation, view, anchor, limit: page_limit(self.limit)? })
    }
}

/// A message, by its id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindMessage {
    /// Which.
    pub(super) message: Integer,
}

/// A message, by its place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfMessage {
    /// Where.
    pub(super) conversation: Integer,
    /// Which.
    pub(super) seq: Integer,
}

impl OfMessage {
    pub(super) fn place(&self) -> ConversationId {
        ConversationId(self.conversation.0)
    }

    pub(super) fn seq(&self) -> Number {
        Number(self.seq.0)
    }
}

/// A message and its new text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    /// Where.
    pub(super) conversation: Integer,
    /// Which.
    pub(super) seq: Integer,
    /// The new text.
    pub(super) text: Text,
}

/// A message in its present state.
#[derive(Serialize, ToSchema)]
pub struct Message<'a> {
    /// Unique on the server.
    id: i64,
    /// The conversation of the message.
    conversation: i64,
    /// Its place in the timeline: the number it was created with.
    seq: i64,
    /// The number of its last change.
    rev: i64,
    /// The author.
    author: Person<'a>,
    /// The sender's own id for the send.
    client_id: Option<&'a str>,
    /// The type of the message.
    #[schema(value_type = fields::MessageType)]
    message_type: &'static str,
    /// The text as it was written; `null` once deleted.
    text: Option<&'a str>,
    /// The `seq` of the message it answers.
    parent: Option<i64>,
    /// The `seq` of the message in whose thread it stands.
    thread: Option<i64>,
    /// Whether it stands in the room as well; false for what is in no thread.
    also_in_room: bool,
    /// The thread about this message, if there is one. Missed changes and events tell it apart, and have `null` here.
    summary: Option<ThreadSummary<'a>>,
    /// When it was stored.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// When its text was last changed.
    #[schema(value_type = Option<fields::Moment>)]
    edited_at: Option<Time>,
    /// When it was deleted.
    #[schema(value_type = Option<fields::Moment>)]
    deleted_at: Option<Time>,
    /// The files that it carries; none once deleted.
    files: Vec<File<'a>>,
    /// The reactions, each with the people who used it.
    reactions: Vec<Reaction<'a>>,
    /// Those whom it is for; `null` if it is for nobody in particular.
    mentions: Option<Mentions>,
    /// The preview of the page behind its first link; `null` until it is known, if there is none, and once it
    /// was taken off.
    preview: Option<Preview<'a>>,
}

impl<'a> From<&'a messages::Message> for Message<'a> {
    fn from(message: &'a messages::Message) -> Self {
        Self {
            id: message.id.0,
            conversation: message.conversation.0,
            seq: message.seq.0,
            rev: message.rev.0,
            author: Person::new(message.author, &message.author_name),
            client_id: message.client_id.as_ref().map(chat::ClientId::as_str),
            message_type: message.message_type.name(),
            text: message.text.as_deref(),
            parent: message.parent.map(|number| number.0),
            thread: message.thread.map(|root| root.0),
            also_in_room: message.also_in_room,
            summary: message.summary.as_deref().map(ThreadSummary::from),
            created_at: Time(message.created_at),
            edited_at: message.edited_at.map(Time),
            deleted_at: message.deleted_at.map(Time),
            files: message.files.iter().map(File::from).collect(),
            reactions: message.reactions.iter().map(Reaction::from).collect(),
            mentions: Mentions::of(&message.mentions),
            preview: message.preview.as_deref().map(Preview::from),
        }
    }
}

/// The answer to a send: where the message stands.
#[derive(Serialize, ToSchema)]
pub struct MessageSent<'a> {
    /// Where.
    conversation: i64,
    /// The message's place.
    seq: i64,
    /// The message's id.
    id: i64,
    /// The sender's id for the send.
    client_id: Option<&'a str>,
    /// When it was stored.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// True if this send only repeated an earlier one.
    repeated: bool,
}

impl<'a> From<&'a messages::Sent> for MessageSent<'a> {
    fn from(sent: &'a messages::Sent) -> Self {
        Self {
            conversation: sent.conversation.0,
            seq: sent.seq.0,
            id: sent.id.0,
            client_id: sent.client_id.as_ref().map(chat::ClientId::as_str),
            created_at: Time(sent.created_at),
            repeated: sent.repeated,
        }
    }
}

/// A page of history, oldest first.
#[derive(Serialize, ToSchema)]
pub struct History<'a> {
    /// The messages, deleted ones included.
    messages: Vec<Message<'a>>,
    /// Whether there are older ones.
    has_more_before: bool,
    /// Whether there are newer ones.
    has_more_after: bool,
    /// The number of the conversation's last change when the page was read.
    head: i64,
}

impl<'a> From<&'a messages::Page> for History<'a> {
    fn from(page: &'a messages::Page) -> Self {
        Self {
            messages: page.messages.iter().map(Message::from).collect(),
            has_more_before: page.has_more_before,
            has_more_after: page.has_more_after,
            head: page.head.0,
        }
    }
}
