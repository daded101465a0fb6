//! Custom emoji: how they are kept, and how they are shown.

use chat::{Number, Query, emoji};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{self, FileKey, Integer, Text};
use crate::time::Time;

/// The version that the client already has.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListEmoji {
    /// The `rev` of the list that the client has; if it is still the same, the emoji are not sent again.
    pub(super) rev: Option<Integer>,
}

impl ListEmoji {
    pub(super) fn query(self) -> Query {
        Query::Emoji { rev: self.rev.map(|rev| Number(rev.0)) }
    }
}

/// A new custom emoji.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddEmoji {
    /// Its name, which no other has and no standard emoji.
    pub(super) name: Text,
    /// An uploaded PNG, WebP or GIF of the speaker that nothing holds yet.
    pub(super) picture: FileKey,
}

/// A custom emoji.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfEmoji {
    /// Its name.
    pub(super) name: Text,
}

/// A picture that everybody may write as `:name:`, and react with.
#[derive(Serialize, ToSchema)]
pub struct Emoji<'a> {
    /// Its name.
    name: &'a str,
    /// The id of its picture, whose bytes are at `/v1/pictures/{id}`.
    picture: String,
    /// The person who added it.
    added_by: i64,
    /// When it was added.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
}

impl<'a> From<&'a emoji::Emoji> for Emoji<'a> {
    fn from(emoji: &'a emoji::Emoji) -> Self {
        Self {
            name: &emoji.name,
            picture: emoji.picture.to_string(),
            added_by: emoji.added_by.0,
            created_at: Time(emoji.created_at),
        }
    }
}

/// The custom emoji of the server.
#[derive(Serialize, ToSchema)]
pub struct EmojiList<'a> {
    /// The number of the last change of any of them.
    rev: i64,
    /// All emoji by name; `null` if nothing has changed since the `rev` that was given.
    emoji: Option<Vec<Emoji<'a>>>,
}

impl<'a> From<&'a emoji::EmojiList> for EmojiList<'a> {
    fn from(list: &'a emoji::EmojiList) -> Self {
        Self { rev: list.rev.0, emoji: list.emoji.as_ref().map(|all| all.iter().map(Emoji::from).collect()) }
    }
}
