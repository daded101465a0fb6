//! Those whom a message is for: how they are shown, and how one asks how many a text would reach.

use chat::{ConversationId, Query, mentions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{Integer, Text};

/// Those whom a message is for. The server finds them in the text when it stores it; names that mean nobody in the
/// conversation are plain text.
#[derive(Serialize, ToSchema)]
pub struct Mentions {
    /// The people whom the text names.
    people: Vec<i64>,
    /// The user groups that the text names.
    groups: Vec<i64>,
    /// Whether it calls those who are present.
    here: bool,
    /// Whether it calls everybody.
    room: bool,
    /// The author of the message that it answers, if it is somebody else.
    reply_to: Option<i64>,
}

impl Mentions {
    /// Nothing for a message that is for nobody in particular.
    pub(super) fn of(mentions: &mentions::Mentions) -> Option<Self> {
        (!mentions.is_empty()).then(|| Self {
            people: mentions.people.iter().map(|person| person.0).collect(),
            groups: mentions.groups.iter().map(|group| group.0).collect(),
            here: mentions.here,
            room: mentions.room,
            reply_to: mentions.reply_to.map(|author| author.0),
        })
    }
}

/// A text that might be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskReach {
    /// Where.
    pub(super) conversation: Integer,
    /// The text.
    pub(super) text: Text,
}

impl AskReach {
    pub(super) fn query(self) -> Query {
        Query::Reach { conversation: ConversationId(self.conversation.0), text: self.text.0 }
    }
}

/// How many people a text would reach.
#[derive(Serialize, ToSchema)]
pub struct Reach {
    /// How many: those whom it names, the members of the groups that it names, or everybody else.
    people: i64,
    /// Whether a send must confirm it, with this number as its `reach`.
    must_confirm: bool,
    /// Whether the speaker may call everybody here; otherwise `@room` and `@here` are plain text.
    may_call_everybody: bool,
}

impl From<&mentions::Reached> for Reach {
    fn from(reached: &mentions::Reached) -> Self {
        let mentions::Reached { people, must_confirm, may_call_everybody } = *reached;
        Self { people, must_confirm, may_call_everybody }
    }
}
