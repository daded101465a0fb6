//! The written form between nodes of people's presence.

use std::borrow::Cow;

use chat::{
    ConversationId, Millis, Signal, UserId,
    presence::{Presence, Seen},
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct SeenForm<'a> {
    user: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    presence: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
}

pub(super) fn seen_form((user, name, seen): &(UserId, String, Seen)) -> SeenForm<'_> {
    SeenForm {
        user: user.0,
        name: name.into(),
        presence: seen.presence.name().into(),
        last: seen.last_seen_at.map(|at| at.0),
    }
}

pub(super) fn presence(conversation: ConversationId, people: Vec<SeenForm<'_>>) -> Signal {
    let people = people
        .into_iter()
        .filter_map(|one| {
            let presence = Presence::from_name(&one.presence)?;
            let seen = Seen { presence, last_seen_at: one.last.map(Millis) };
            Some((UserId(one.user), one.name.into_owned(), seen))
        })
        .collect();
    Signal::PresenceChanged { conversation, people }
}
