//! By what a repeated send is told from another one under the same client id.

use chat::messages::MessageType;

use super::joining;
use crate::writer::NewMessage;

/// FNV-1a over what was sent. It tells honest repeats from mistakes; it is no secret and no proof.
pub(super) fn content_hash(append: &NewMessage) -> i64 {
    let parent = append.submission.parent.map_or(0, |p| p.0).to_le_bytes();
    let hash = append
        .submission
        .text
        .bytes()
        .chain(parent)
        // Plain texts have the digest that they had before there were other types.
        .chain(special_type(append).unwrap_or_default().bytes())
        .chain(append.submission.files.iter().flat_map(|id| id.to_string().into_bytes()))
        .chain(joining::asked(append))
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash.cast_signed()
}

/// The type's name, if it is not the usual one.
pub(super) fn special_type(append: &NewMessage) -> Option<&'static str> {
    Some(append.submission.message_type).filter(|kind| *kind != MessageType::Text).map(MessageType::name)
}
