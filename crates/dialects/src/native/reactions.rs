//! Reactions to messages: how one reacts, and how they are shown.

use chat::{UserId, reactions};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::{
    fields::{Integer, Text},
    messages::Message,
};

/// A message and an emoji.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct React {
    /// Where.
    pub(super) conversation: Integer,
    /// Which.
    pub(super) seq: Integer,
    /// One emoji, in any presentation; or `:name:` of a custom one.
    pub(super) emoji: Text,
}

/// All the people who reacted to a message with the same emoji.
#[derive(Serialize, ToSchema)]
pub struct Reaction<'a> {
    /// The emoji, in its fully qualified form; or `:name:` of a custom one, which may be there no more.
    emoji: &'a str,
    /// The people who used it, in order.
    #[schema(value_type = Vec<i64>)]
    users: Ids<'a>,
}

impl<'a> From<&'a reactions::Reaction> for Reaction<'a> {
    fn from(reaction: &'a reactions::Reaction) -> Self {
        Self { emoji: &reaction.emoji, users: Ids(&reaction.users) }
    }
}

/// People by id.
struct Ids<'a>(&'a [UserId]);

impl Serialize for Ids<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|user| user.0))
    }
}

/// A change of a message's reactions.
#[derive(Serialize, ToSchema)]
pub struct ReactionChange<'a> {
    /// The message in its new state.
    pub(crate) message: Message<'a>,
    /// By whom.
    pub(crate) user: i64,
    /// The emoji.
    pub(crate) emoji: &'a str,
}
