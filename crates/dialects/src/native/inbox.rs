//! The inbox: how one reads it, and how it is shown.

use chat::{
    Command, Error, Query,
    inbox::{self, InboxPlace, InboxReading},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accounts::Person,
    fields::{self, Integer, Text},
    messages::Message,
    pages::{page_limit, strange_cursor},
};
use crate::time::Time;

/// A page of the inbox.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadPage {
    /// The previous page's `next_cursor`.
    pub(super) cursor: Option<Text>,
    /// How many; 50 if absent.
    pub(super) limit: Option<Integer>,
    /// Whether the threads that one follows are wanted as well, each by its newest reply of others.
    pub(super) threads: Option<bool>,
}

impl ReadPage {
    pub(super) fn query(self) -> Result<Query, Error> {
        let before = self.cursor.map(|Text(text)| text.parse().map_err(|()| strange_cursor())).transpose()?;
        let threads = self.threads.unwrap_or_default();
        Ok(Query::Inbox { before, threads, limit: page_limit(self.limit)? })
    }
}

/// The items that were read. At most one of the two fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkRead {
    /// These items, by their ids; without `all_to`.
    pub(super) items: Option<Vec<Text>>,
    /// Everything up to this item; without `items`.
    pub(super) all_to: Option<Text>,
}

impl MarkRead {
    pub(super) fn command(self) -> Result<Command, Error> {
        let place = |field: &str, Text(text): &Text| -> Result<InboxPlace, Error> {
            let wrong = || Error::invalid(field, format!("{field} must name items of the inbox by their ids."));
            text.parse().map_err(|()| wrong())
        };
        match (self.items, self.all_to) {
            (items, None) => {
                let items = items.unwrap_or_default();
                let items = items.iter().map(|item| place("items", item)).collect::<Result<_, _>>()?;
                Ok(Command::ReadInbox(InboxReading::These(items)))
            }
            (None, Some(all_to)) => Ok(Command::ReadInbox(InboxReading::To(place("all_to", &all_to)?))),
            (Some(_), Some(_)) => Err(Error::invalid("all_to", "Only one of items and all_to may be given.")),
        }
    }
}

/// Something that was for the speaker.
#[derive(Serialize, ToSchema)]
pub struct InboxItem<'a> {
    /// Its id.
    id: String,
    /// Why it is there: `mention`, `reply`, `reaction`, `group`, `here`, `room` or `thread`: the newest reply of
    /// others in a thread that one follows.
    reason: &'static str,
    /// The person who caused it.
    actor: Person<'a>,
    /// With `reaction`: the emoji.
    emoji: Option<&'a str>,
    /// With `group`: the user group that was named.
    group: Option<i64>,
    /// When.
    #[schema(value_type = fields::Moment)]
    at: Time,
    /// Whether the speaker has read it: by itself, with all others, or, but for reactions, in its conversation or
    /// thread.
    read: bool,
    /// The message as it is now.
    message: Message<'a>,
}

impl<'a> From<&'a inbox::Item> for InboxItem<'a> {
    fn from(item: &'a inbox::Item) -> Self {
        Self {
            id: item.place.to_string(),
            reason: item.reason.name(),
            actor: Person::new(item.place.actor, &item.actor_name),
            emoji: item.emoji.as_deref(),
            group: item.group.map(|group| group.0),
            at: Time(item.place.at),
            read: item.read,
            message: Message::from(&item.message),
        }
    }
}

/// A page of the inbox, newest first.
#[derive(Serialize, ToSchema)]
pub struct Inbox<'a> {
    /// The items for the speaker that they may see now.
    pub(crate) items: Vec<InboxItem<'a>>,
    /// Present if there may be more: give it as `cursor`. A page may have fewer items than were asked for.
    pub(crate) next_cursor: Option<String>,
    /// How much of the whole inbox is read.
    pub(crate) read: InboxRead,
}

/// How much of the inbox is read.
#[derive(Serialize, ToSchema)]
pub struct InboxRead {
    /// Everything up to this item; `null` if nothing was read so.
    all_to: Option<String>,
    /// And these items after it.
    items: Vec<String>,
    /// The `account_seq` of its last change; 0 if there was none.
    rev: i64,
}

impl From<&inbox::ReadState> for InboxRead {
    fn from(state: &inbox::ReadState) -> Self {
        Self {
            all_to: state.all_to.map(|place| place.to_string()),
            items: state.single.iter().map(ToString::to_string).collect(),
            rev: state.rev.0,
        }
    }
}
