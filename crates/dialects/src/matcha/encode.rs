//! Events and signals to frames.

use chat::{Error, Event, Signal, accounts::Speaker};

use crate::Text;

/// What a connection is told first.
#[must_use]
pub fn greeting(_speaker: &Speaker) -> Vec<Text> {
    Vec::new()
}

/// The frame of a numbered event.
#[must_use]
pub fn event(_event: &Event) -> Option<Text> {
    None
}

/// The frames of a signal.
#[must_use]
pub fn signal(_signal: &Signal) -> Vec<Text> {
    Vec::new()
}

/// The frame that refuses what answers to no frame.
#[must_use]
pub fn refusal(error: &Error) -> Text {
    error.detail.clone()
}
