//! Versions: earlier texts of edited messages. A conversation keeps them only while it is set to
//! ([`crate::conversations::Conversation::edit_history`]). They have no numbers of their own, are told to nobody, and are
//! read by request alone.

use crate::{Millis, Number, UserId, people::NamesPeople};

/// An earlier text of a message.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Version {
    /// The number of the edit that replaced it: a message's versions are in the order of these.
    pub number: Number,
    /// The text as it was written.
    pub text: String,
    /// The account that wrote it.
    pub editor: UserId,
    /// The username of that account.
    pub editor_name: String,
    /// When it was written.
    pub written_at: Millis,
}

/// A page of a message's earlier texts, the last one first.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct VersionPage {
    /// The versions; none if the message was not edited while its conversation kept them.
    pub versions: Vec<Version>,
    /// Present if there are more: those that were replaced before this number.
    pub next: Option<Number>,
}
