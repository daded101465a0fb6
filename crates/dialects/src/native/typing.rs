//! Typing indicators: the command, and the ephemeral event.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{accounts::Person, fields::Integer};

/// A conversation, and whether one is writing in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetTyping {
    /// Where.
    pub(super) conversation: Integer,
    /// In a thread: the `seq` of the message that it is about.
    pub(super) thread: Option<Integer>,
    /// Started or stopped.
    pub(super) typing: bool,
}

/// Somebody writes in a thread, or has stopped.
#[derive(Serialize, ToSchema)]
pub struct ThreadTyping<'a> {
    /// The `seq` of the message that the thread is about.
    pub(crate) thread: i64,
    /// Who.
    pub(crate) user: Person<'a>,
    /// Started or stopped.
    pub(crate) typing: bool,
}

/// Somebody writes, or has stopped.
#[derive(Serialize, ToSchema)]
pub struct Typing<'a> {
    /// Who.
    pub(crate) user: Person<'a>,
}
