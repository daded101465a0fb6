//! REST: reactions to a message.

use chat::{Error, MessageId, UserId, messages::Message};
use serde::Serialize;

use super::{
    fields::{Id, Reacting, check_emoji},
    rest::{done, end, success},
    steps,
};
use crate::{Step, rest::Desk, time::Time};

/// A reaction by one person.
#[derive(Serialize)]
pub(super) struct Reaction<'a> {
    id: i64,
    message_id: i64,
    user_id: i64,
    emoji: &'a str,
    /// When the message was sent: when somebody reacted is not known.
    created_at: Time,
}

impl<'a> Reaction<'a> {
    fn new(message: &Message, user: UserId, emoji: &'a str) -> Self {
        Self {
            id: id(message.id, user, emoji),
            message_id: message.id.0,
            user_id: user.0,
            emoji,
            created_at: Time(message.created_at),
        }
    }
}

/// An id below 2^53 that is always the same for the same reaction, which has none of its own: the upper bits of
/// the FNV-1a hash of what it is.
fn id(message: MessageId, user: UserId, emoji: &str) -> i64 {
    let bytes = message.0.to_be_bytes().into_iter().chain(user.0.to_be_bytes()).chain(emoji.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    i64::try_from(hash >> 11).unwrap_or_default()
}

/// Everybody's reactions to a message.
pub(super) fn of_message(message: &Message) -> Vec<Reaction<'_>> {
    let by_emoji = message.reactions.iter();
    by_emoji.flat_map(|one| one.users.iter().map(|user| Reaction::new(message, *user, &one.emoji))).collect()
}

/// The reactions to a message.
pub(super) fn list(message: Id, desk: Desk) -> Step {
    steps::message(message, Box::new(move |message| end(&desk, 200, message, |message| success(&of_message(message)))))
}

/// Adds a reaction; a repeat changes nothing and is answered alike.
///
/// # Errors
/// `invalid` if it is no emoji.
pub(super) fn add(Reacting { message_id, emoji }: Reacting, speaker: UserId, desk: Desk) -> Result<Step, Error> {
    let emoji = check_emoji(&emoji.0)?;
    Ok(steps::message(
        message_id,
        Box::new(move |message| match message {
            Err(error) => desk.end(Err(error)),
            Ok(message) => steps::react(
                (message.conversation, message.seq),
                emoji.clone(),
                true,
                Box::new(move |added| end(&desk, 201, added, |()| success(&Reaction::new(&message, speaker, &emoji)))),
            ),
        }),
    ))
}

/// Takes a reaction back; one that is not there is gone already.
///
/// # Errors
/// `invalid` if it is no emoji.
pub(super) fn remove(message: Id, emoji: String, desk: Desk) -> Result<Step, Error> {
    let emoji = check_emoji(&emoji)?;
    Ok(steps::message(
        message,
        Box::new(move |message| match message {
            Err(error) => desk.end(Err(error)),
            Ok(message) => steps::react(
                (message.conversation, message.seq),
                emoji,
                false,
                Box::new(move |removed| end(&desk, 200, removed, |()| done("reaction removed"))),
            ),
        }),
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chat::MAX_SAFE_INTEGER;

    use super::*;

    #[test]
    fn the_ids_of_reactions_are_stable_safe_and_differ() {
        assert_eq!(id(MessageId(5), UserId(1), "👍"), id(MessageId(5), UserId(1), "👍"));
        let mut seen = BTreeSet::new();
        for message in 0..200 {
            for user in 0..50 {
                for emoji in ["👍", "👎", "❤"] {
                    let id = id(MessageId(message), UserId(user), emoji);
                    assert!((0..=MAX_SAFE_INTEGER).contains(&id) && seen.insert(id), "{message} {user} {emoji}");
                }
            }
        }
    }
}
