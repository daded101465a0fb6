//! Events and signals to frames.

use chat::{Error, Event, Signal, accounts::Speaker};

use super::frames::{self, Fault};
use crate::{
    Text,
    matcha::{told::Words, words::Missing},
};

const WORDS: Words = Words {
    message: |message, _at| frames::chat_message(message),
    reaction: frames::reaction,
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
    Fault::of(error.clone(), Missing::Conversation, "request_failed").frame(None)
}
