//! Reactions: one emoji by one person on one message, at most once.

use crate::UserId;

/// All the people who reacted to a message with the same emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji, as it was sent.
    pub emoji: String,
    /// Who used it, in order.
    pub users: Vec<UserId>,
}
