//! The ids of this endpoint: each room and message has a number and a UUID, and clients use either. The UUIDs are made
//! of the numbers (RFC 9562, version 8), so that nothing needs to be stored to find the way back.

use std::fmt;

use chat::{ConversationId, MAX_SAFE_INTEGER, MessageId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

/// The kind of thing that a UUID names; the number stands in its first group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noun {
    /// A conversation.
    Room = 1,
    /// A message.
    Message = 2,
}

/// The UUID of a room or a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uuid(Noun, i64);

impl From<ConversationId> for Uuid {
    fn from(id: ConversationId) -> Self {
        Self(Noun::Room, id.0)
    }
}

impl From<MessageId> for Uuid {
    fn from(id: MessageId) -> Self {
        Self(Noun::Message, id.0)
    }
}

/// The bits of the last group; those above them stand in the fourth one, beside the variant.
const LOW: u32 = 48;

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(noun, id) = *self;
        let (high, low) = ((id >> LOW) & 0x3fff, id & ((1 << LOW) - 1));
        write!(f, "{:08x}-0000-8000-{:04x}-{low:012x}", noun as u8, 0x8000 | high)
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a number or a UUID. Nothing if it is neither; `Some(None)` if it is a UUID that was not made here, which is
/// well-formed and of nothing.
pub(super) fn parse(noun: Noun, text: &str) -> Option<Option<i64>> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|id| *id <= MAX_SAFE_INTEGER).map(Some);
    }
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths != [8, 4, 4, 4, 12] || !groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return None;
    }
    let number = |at: usize| groups.get(at).and_then(|group| i64::from_str_radix(group, 16).ok()).unwrap_or_default();
    let id = (number(3) & 0x3fff) << LOW | number(4);
    let ours = id <= MAX_SAFE_INTEGER && Uuid(noun, id).to_string().eq_ignore_ascii_case(text);
    Some(ours.then_some(id))
}

/// A room, as a client names it: its number, the same as a text, or its UUID. Nothing if the UUID is of no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RoomRef(pub Option<ConversationId>);

impl RoomRef {
    /// The room that a text names.
    pub(super) fn parse(text: &str) -> Option<Self> {
        parse(Noun::Room, text).map(|id| Self(id.map(ConversationId)))
    }
}

struct RoomRefVisitor;

impl Visitor<'_> for RoomRefVisitor {
    type Value = RoomRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id or the uuid of a room")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<RoomRef, E> {
        let id = i64::try_from(value).ok().filter(|id| *id <= MAX_SAFE_INTEGER);
        id.map(|id| RoomRef(Some(ConversationId(id)))).ok_or_else(|| E::custom("too large"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RoomRef, E> {
        RoomRef::parse(text).ok_or_else(|| E::custom("neither a number nor a UUID"))
    }
}

impl<'de> Deserialize<'de> for RoomRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RoomRefVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_lead_back_to_what_they_were_made_of() {
        for id in [0, 1, 12, 0xffff_ffff_ffff, 1 << 48, MAX_SAFE_INTEGER] {
            let (room, message) = (Uuid(Noun::Room, id).to_string(), Uuid(Noun::Message, id).to_string());
            for uuid in [room.clone(), room.to_uppercase()] {
                assert_eq!(parse(Noun::Room, &uuid), Some(Some(id)), "{uuid}");
                assert_eq!(parse(Noun::Message, &uuid), Some(None), "{uuid}");
            }
            assert_eq!(parse(Noun::Message, &message), Some(Some(id)));
            // Version 8 and the variant of RFC 9562.
            assert_eq!(room.as_bytes().get(14), Some(&b'8'));
            assert!(room.as_bytes().get(19).is_some_and(|digit| b"89ab".contains(digit)), "{room}");
        }
        assert_eq!(Uuid(Noun::Room, 12).to_string(), "00000001-0000-8000-8000-00000000000c");
        assert_eq!(Uuid(Noun::Message, 1 << 48).to_string(), "00000002-0000-8000-8001-000000000000");
    }

    #[test]
    fn other_texts_are_of_nothing_or_refused() {
        for foreign in [
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "00000001-0000-4000-8000-00000000000c",
            "00000001-0000-8000-c000-00000000000c",
            "00000001-0000-8000-bfff-00000000000c",
            "00000001-0001-8000-8000-00000000000c",
        ] {
            assert_eq!(parse(Noun::Room, foreign), Some(None), "{foreign}");
        }
        for wrong in [
            "",
            "-1",
            "+1",
            "1.0",
            "0x1",
            "room_1",
            "9007199254740992",
            "99999999999999999999",
            "00000001000080008000 00000000000c",
            "00000001-0000-8000-8000-00000000000",
            "00000001-0000-8000-8000-00000000000g",
            "00000001-0000-8000-8000-0000000000é",
            "١٢",
        ] {
            assert_eq!(parse(Noun::Room, wrong), None, "{wrong}");
        }
    }
}
