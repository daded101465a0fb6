//! The fields of these endpoints' frames and bodies, and what is refused before the engine is asked.

use std::{collections::BTreeMap, fmt};

use chat::{
    ConversationId, Error, ErrorCode, MAX_SAFE_INTEGER,
    messages::{MessageType, Submission},
    threads::Target,
};
use serde::{Deserialize, Deserializer, de::Visitor};
use serde_json::value::RawValue;

use super::words;
use crate::input::Text;

/// The longest text of these endpoints, in characters. The old clients count before they send.
const TEXT_LENGTH: usize = 1_000;
/// The longest emoji of these endpoints, in characters: the old column had no more room.
const EMOJI_LENGTH: usize = 10;

/// An id. Some of the old clients write it as a text of digits, and some as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(pub i64);

impl Id {
    /// The id that is written so; nothing if none is.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let id = text.parse().ok().filter(|id| *id <= MAX_SAFE_INTEGER)?;
        digits.then_some(Self(id))
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id: a whole number from 0 to {MAX_SAFE_INTEGER}, or its digits as a text")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Id, E> {
        let id = i64::try_from(value).ok().filter(|id| *id <= MAX_SAFE_INTEGER);
        id.map(Id).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Id, E> {
        Id::parse(value).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Other("text"), &self))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

/// The fields of a frame, not read yet.
///
/// # Errors
/// `malformed` if it is no JSON object: said apart from a wrong field.
pub(super) fn object(frame: &str) -> Result<BTreeMap<String, &RawValue>, Error> {
    serde_json::from_str(frame).map_err(|_| Error::new(ErrorCode::Malformed, "The frame is not a JSON object."))
}

/// The kind of a frame.
#[derive(Deserialize)]
pub(super) struct Tag {
    #[serde(rename = "type")]
    pub(super) kind: Text,
}

/// A text under one of the names that the old clients give it.
#[derive(Deserialize)]
pub(super) struct Said {
    message: Option<Text>,
    content: Option<Text>,
    msg: Option<Text>,
}

impl Said {
    /// The text. `usual` is its name where the caller comes from.
    pub(super) fn text(self, usual: &str) -> Result<String, Error> {
        let text = self.message.or(self.content).or(self.msg);
        text.map(|text| text.0).ok_or_else(|| Error::invalid(usual, format!("{usual} is missing.")))
    }
}

/// A reaction to a message.
#[derive(Deserialize)]
pub(super) struct Reacting {
    pub(super) message_id: Id,
    pub(super) emoji: Text,
}

/// A message that is to be sent.
///
/// # Errors
/// `invalid` if the text is empty or too long.
pub(super) fn submission(conversation: ConversationId, text: String) -> Result<Submission, Error> {
    if text.trim().is_empty() {
        return Err(Error::invalid("message", words::EMPTY));
    }
    if text.chars().count() > TEXT_LENGTH {
        return Err(Error::invalid("message", words::TOO_LONG));
    }
    Ok(Submission {
        conversation,
        client_id: None,
        message_type: MessageType::Text,
        text,
        parent: None,
        files: Vec::new(),
        target: Target::Unaware,
        ..Submission::default()
    })
}

/// The one form of an emoji. Refuses what is none by its length, or holds NUL, which a path can hold; other texts are
/// left as they are, since reactions from before there was a form may be any.
///
/// # Errors
/// `invalid`.
pub(super) fn check_emoji(emoji: &str) -> Result<String, Error> {
    if emoji.contains('\0') {
        return Err(Error::invalid("emoji", "emoji may not contain the character NUL (U+0000)."));
    }
    if !(1..=EMOJI_LENGTH).contains(&emoji.chars().count()) {
        return Err(Error::invalid("emoji", format!("emoji must have 1 to {EMOJI_LENGTH} characters.")));
    }
    Ok(chat::reactions::emoji(emoji).unwrap_or_else(|| emoji.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_or_their_digits() {
        for good in ["7", "\"7\"", "0", "9007199254740991", "\"9007199254740991\""] {
            assert!(serde_json::from_str::<Id>(good).is_ok(), "{good}");
        }
        for bad in ["-1", "1.5", "\"-1\"", "\"+1\"", "\"\"", "\" 1\"", "\"1e3\"", "\"x\"", "true", "null", "[1]"] {
            assert!(serde_json::from_str::<Id>(bad).is_err(), "{bad}");
        }
        for huge in ["9007199254740992", "\"9007199254740992\"", "\"99999999999999999999999999\"", "1e300"] {
            assert!(serde_json::from_str::<Id>(huge).is_err(), "{huge}");
        }
    }

    #[test]
    fn texts_and_emoji_are_counted_in_characters() {
        let with = |length| submission(ConversationId(1), "é".repeat(length));
        assert!(with(1_000).is_ok());
        assert_eq!(with(1_001).unwrap_err().detail, words::TOO_LONG);
        assert_eq!(submission(ConversationId(1), " \n".into()).unwrap_err().detail, words::EMPTY);
        assert!(check_emoji(&"é".repeat(10)).is_ok());
        assert!(check_emoji(&"é".repeat(11)).is_err() && check_emoji("").is_err());
        assert!(check_emoji("\0").is_err());
    }
}
