//! Events and signals to frames. The old protocol has words for messages only; edits, reactions, markers and
//! memberships are not told, and what became of a message is seen in the history.

use chat::{
    Error, Event, Fact, Signal,
    conversations::{Kind, Place},
};

use super::frames::{self, Said};
use crate::Text;

/// The frame of a numbered event.
#[must_use]
pub fn event(place: &Place, event: &Event) -> Option<Text> {
    let Fact::MessageCreated(message) = &event.fact else { return None };
    match place.kind {
        Kind::Room => Some(frames::tagged("message", Said::in_room(message, place.name.as_deref()?)?)),
        Kind::Direct => Some(frames::tagged("dm", Said::direct(message, place.pair?)?)),
        // There were no groups.
        Kind::Group => None,
    }
}

/// The old page has drawn its own direct message already and would show it twice; what it says in a room,
/// it shows when it hears it. What one says to oneself comes back.
#[must_use]
pub fn echoes(place: &Place, _event: &Event) -> bool {
    place.kind != Kind::Direct || place.pair.is_some_and(|(low, high)| low == high)
}

/// The frame of a signal: none. See `quirks.md`, "Typing and presence".
#[must_use]
pub fn signal(_place: Option<&Place>, _signal: &Signal) -> Option<Text> {
    None
}

/// The frame that refuses what answers to no frame.
#[must_use]
pub fn refusal(error: &Error) -> Text {
    frames::error(&frames::words(error))
}
