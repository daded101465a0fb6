//! Events to frames.
use chat::{Error, Event, Signal, conversations::Place};
/// The frame of an event.
#[must_use]
pub fn event(_place: &Place, _event: &Event) -> Option<String> {
    None
}
/// Echo.
#[must_use]
pub fn echoes(_place: &Place, _event: &Event) -> bool {
    true
}
/// The frame of a signal.
#[must_use]
pub fn signal(_place: Option<&Place>, _signal: &Signal) -> Option<String> {
    None
}
/// Refusal.
#[must_use]
pub fn refusal(error: &Error) -> String {
    error.detail.clone()
}
