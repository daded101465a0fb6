//! Events and signals to frames.

use chat::{Error, Event, Signal, accounts::Speaker};

use super::{frames, told::Words, words};
use crate::Text;

const WORDS: Words = Words {
    message: frames::new_message,
    reaction: |message, user, emoji, action, _at| frames::reaction(message, user, emoji, action),
    typing: frames::typing,
    presence: frames::presence,
};

/// The first frame of a connection.
#[must_use]
pub fn greeting(speaker: &Speaker) -> Vec<Text> {
    vec![frames::connected(speaker.user)]
}

/// The frame of a numbered event.
#[must_use]
pub fn event(event: &Event) -> Option<Text> {
    WORDS.event(event)
}

/// The frames of a signal.
#[must_use]
pub fn signal(signal: &Signal) -> Vec<Text> {
    WORDS.signal(signal)
}

/// The frame that refuses what answers to no frame.
#[must_use]
pub fn refusal(error: &Error) -> Text {
    frames::error(&words::of(error))
}
