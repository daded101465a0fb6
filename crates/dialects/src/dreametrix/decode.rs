//! Frames to turns.

use chat::{Error, ErrorCode, accounts::Speaker};

use super::encode;
use crate::Turn;

/// What a frame asks for. The connection was authenticated by its handshake.
#[must_use]
pub fn decode(_speaker: Option<&Speaker>, _frame: &str) -> Turn {
    Turn::Refuse(vec![encode::refusal(&Error::new(ErrorCode::NotImplemented, "Not yet."))])
}
