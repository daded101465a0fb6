//! The types of input fields that only this protocol has, and how the documents describe them all.

use chat::{ClientId, FileId, Millis};
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::{PartialSchema, ToSchema};

pub use crate::input::{Integer, Text};
use crate::time::Time;

/// A client id: 1 to 64 printable ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(pub ClientId);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        ClientId::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

/// The id of a file: 32 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKey(pub FileId);

impl<'de> Deserialize<'de> for FileKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        FileId::parse(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("must be the id of a file, 32 hexadecimal digits"))
    }
}

/// A moment that somebody names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant(pub Millis);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = Time::read(&text).map(|time| Self(time.0));
        read.ok_or_else(|| D::Error::custom("must be a moment such as 2025-01-01T12:00:00Z"))
    }
}

/// A time of the day by the clock, as the minute of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTime(pub i64);

impl<'de> Deserialize<'de> for DayTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        minute_of_day(&text).map(Self).ok_or_else(|| D::Error::custom("must be a time from 00:00 to 23:59"))
    }
}

fn minute_of_day(text: &str) -> Option<i64> {
    let two = |digits: &str, most: i64| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<i64>().ok()).flatten().filter(|number| *number <= most)
    };
    let (hour, minute) = text.split_once(':')?;
    Some(two(hour, 23)? * 60 + two(minute, 59)?)
}

macro_rules! schema {
    ($name:ident, $json:tt) => {
        impl PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                super::schemas::literal(serde_json::json!($json))
            }
        }
        impl ToSchema for $name {}
    };
}

schema!(Integer, {
    "type": "integer", "format": "int64", "minimum": 0, "maximum": (chat::MAX_SAFE_INTEGER),
    "description": "An id or a number: a whole number below 2^53."
});
schema!(Text, { "type": "string", "pattern": (super::forms::TEXT), "description": "A text. NUL and lone surrogates are refused." });
schema!(Key, {
    "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$",
    "description": "Chosen by the client; makes a repeat harmless. A UUID will do."
});

schema!(FileKey, {
    "type": "string", "minLength": 32, "maxLength": 32, "pattern": "^[0-9a-f]{32}$",
    "description": "The id of a file."
});

schema!(Instant, {
    "type": "string", "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
    "description": "A moment by RFC 3339, with `Z` or a distance from UTC. Less than a millisecond is left out.",
    "examples": ["2025-01-01T12:00:00Z"]
});

schema!(DayTime, {
    "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    "description": "A time of the day: hours and minutes.", "examples": ["22:00"]
});

macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $type:ty, [$($value:literal),*]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $type);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                let allowed = [$($value),*];
                allowed
                    .contains(&name.as_str())
                    .then(|| <$type>::from_name(&name).map(Self))
                    .flatten()
                    .ok_or_else(|| D::Error::custom(format!("must be one of {}", allowed.join(", "))))
            }
        }

        schema!($name, { "type": "string", "enum": [$($value),*] });
    };
}

named!(
    /// The role of an account on the server.
    ServerRole, chat::accounts::ServerRole, ["guest", "user", "moderator", "admin"]
);
named!(
    /// In which order results come.
    Order, chat::search::Order, ["newest", "best"]
);
named!(
    /// The role of a member in a conversation.
    Role, chat::members::Role, ["member", "moderator", "admin", "owner"]
);
named!(
    /// The kind of conversation.
    Kind, chat::conversations::Kind, ["room", "group", "direct"]
);
named!(
    /// The people who may find and enter a room.
    Visibility, chat::conversations::Visibility, ["public", "private"]
);
named!(
    /// The type of a message.
    MessageType, chat::messages::MessageType, ["text", "image", "file", "audio", "video"]
);
named!(
    /// The messages that notify.
    NotificationLevel, chat::notifications::NotificationLevel, ["everything", "mentions", "nothing"]
);
named!(
    /// The presences that can be chosen.
    Presence, chat::presence::Presence, ["online", "away", "busy", "invisible"]
);

schema!(Why, {
    "type": "string",
    "enum": [
        "own", "deleted", "read", "muted", "nothing", "not_mentioned", "quiet_hours", "busy", "mentioned", "keyword",
        "everything"
    ]
});
/// The rule that decides whether a message notifies.
pub struct Why;

schema!(PushState, { "type": "string", "enum": ["waiting", "sent", "read", "given_up"] });
/// The state of a push.
pub struct PushState;

schema!(PushKind, { "type": "string", "enum": ["direct", "mention", "message", "reminder"] });
/// The reason for a push.
pub struct PushKind;

schema!(ShownPresence, { "type": "string", "enum": ["online", "away", "busy", "invisible", "offline"] });
/// The presences that can be shown.
pub struct ShownPresence;

schema!(Moment, {
    "type": "string", "format": "date-time",
    "description": "RFC 3339 in UTC with milliseconds.", "examples": ["2025-01-01T12:00:00.000Z"]
});
/// A [`crate::time::Time`] in the documents.
pub struct Moment;

/// A whole number from 0 to 2^53 − 1 in digits and nothing else.
pub(crate) fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|n| *n <= chat::MAX_SAFE_INTEGER)
}
