//! The written form between nodes of those whom a message is for.

use chat::{UserGroupId, UserId, mentions::Mentions};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct MentionsForm {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    people: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<i64>,
    #[serde(default)]
    here: bool,
    #[serde(default)]
    room: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<i64>,
}

/// Nothing of a message that is for nobody.
pub(super) fn mentions_form(mentions: &Mentions) -> Option<MentionsForm> {
    (!mentions.is_empty()).then(|| MentionsForm {
        people: mentions.people.iter().map(|person| person.0).collect(),
        groups: mentions.groups.iter().map(|group| group.0).collect(),
        here: mentions.here,
        room: mentions.room,
        reply: mentions.reply_to.map(|author| author.0),
    })
}

pub(super) fn mentions(form: MentionsForm) -> Mentions {
    Mentions {
        people: form.people.into_iter().map(UserId).collect(),
        groups: form.groups.into_iter().map(UserGroupId).collect(),
        here: form.here,
        room: form.room,
        reply_to: form.reply.map(UserId),
    }
}
