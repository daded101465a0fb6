//! Frames to turns.
use crate::Turn;
use chat::accounts::Speaker;
/// What a frame asks for.
#[must_use]
pub fn decode(_speaker: Option<&Speaker>, _frame: &str) -> Turn {
    Turn::Say(Vec::new())
}
