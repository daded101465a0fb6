//! Makes of short JSON what says whom messages are for.

use chat::{Number, UserGroupId, UserId, inbox, mentions::Mentions, user_groups::UserGroup};
use serde_json::Value;

use super::nouns::{int, list, message, optional, text};

/// `{"people","groups","here","room","reply_to"}`.
pub(super) fn mentions(value: &Value) -> Mentions {
    Mentions {
        people: list(&value["people"], |id| UserId(int(id, 3))),
        groups: list(&value["groups"], |id| UserGroupId(int(id, 4))),
        here: value["here"] == true,
        room: value["room"] == true,
        reply_to: value["reply_to"].as_i64().map(UserId),
    }
}

pub(super) fn place_in_inbox(text: &str) -> inbox::InboxPlace {
    text.parse().unwrap()
}

/// `{"id","reason","actor","emoji","group","read","message"}`.
pub(super) fn inbox_item(value: &Value) -> inbox::Item {
    inbox::Item {
        place: place_in_inbox(&text(&value["id"], "1735732800000.100.1")),
        reason: inbox::InboxReason::from_name(&text(&value["reason"], "mention")).unwrap(),
        actor_name: text(&value["actor"], "bob"),
        emoji: optional(&value["emoji"]),
        group: value["group"].as_i64().map(UserGroupId),
        read: value["read"] == true,
        message: message(&value["message"]),
    }
}

pub(super) fn read_state(value: &Value) -> inbox::ReadState {
    inbox::ReadState {
        all_to: value["all_to"].as_str().map(place_in_inbox),
        single: list(&value["items"], |one| place_in_inbox(one.as_str().unwrap())),
        rev: Number(int(&value["rev"], 7)),
    }
}

pub(super) fn user_group(value: &Value) -> UserGroup {
    UserGroup {
        id: UserGroupId(int(&value["id"], 4)),
        name: text(&value["name"], "dev"),
        size: int(&value["size"], 2),
        mine: value["mine"] == true,
    }
}
