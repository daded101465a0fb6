//! Makes of short JSON what says whom messages are for, and whom they notify.

use chat::{
    Number, UserGroupId, UserId, inbox,
    mentions::Mentions,
    notifications::{
        ConversationSettings, NotificationDecision, NotificationLevel, NotificationSettings, QuietHours, Why,
    },
    user_groups::UserGroup,
    versions::{Version, VersionPage},
};
use serde_json::Value;

use super::{
    NOON,
    nouns::{int, list, message, optional, text},
};

/// `{"versions":[{"number","text","editor"}],"next"}`.
pub(super) fn versions(value: &Value) -> VersionPage {
    VersionPage {
        versions: list(&value["versions"], |one| Version {
            number: Number(int(&one["number"], 43)),
            text: text(&one["text"], "Bonjuor"),
            editor: UserId(int(&one["editor"], 3)),
            editor_name: "ann".into(),
            written_at: NOON,
        }),
        next: value["next"].as_i64().map(Number),
    }
}

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

/// `{"level","muted","unread_from"}`; `"muted":true` is until a day after noon.
pub(super) fn settings_here(value: &Value) -> ConversationSettings {
    ConversationSettings {
        level: value["level"].as_str().and_then(NotificationLevel::from_name),
        muted_until: (value["muted"] == true).then(|| NOON.plus(86_400_000)),
        unread_from: value["unread_from"].as_i64().map(Number),
    }
}

/// `{"rooms","quiet","keywords","rev"}`; `"quiet":true` is from Friday and Saturday at 22:30 until 7:05.
pub(super) fn notification_settings(value: &Value) -> NotificationSettings {
    let quiet = QuietHours { days: vec![5, 6], from: 1_350, to: 425, time_zone: "Europe/Paris".into() };
    NotificationSettings {
        rooms: NotificationLevel::from_name(&text(&value["rooms"], "everything")).unwrap(),
        quiet: (value["quiet"] == true).then_some(quiet),
        keywords: list(&value["keywords"], |word| text(word, "")),
        rev: Number(int(&value["rev"], 0)),
        ..NotificationSettings::default()
    }
}

/// `{"keyword"}` notifies; without it, what is muted until a day after noon.
pub(super) fn notification_decision(value: &Value) -> NotificationDecision {
    let keyword = value["keyword"].as_str().map(|word| Why::Keyword(word.to_owned()));
    NotificationDecision {
        notifies: keyword.is_some(),
        why: keyword.unwrap_or(Why::Muted { until: NOON.plus(86_400_000) }),
        level: NotificationLevel::Mentions,
        is_own_level: value["own"] == true,
        is_thread_level: value["of_thread"] == true,
    }
}
