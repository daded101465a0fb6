//! Drafts: what a person has begun to write, alike on all their devices.

use crate::{ConversationId, Millis, Number};

/// Which draft of a person: one for each conversation, and one for each of their messages that they are editing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DraftKey {
    /// Where it is being written.
    pub conversation: ConversationId,
    /// The `seq` of the message that it will change; absent for a new message.
    pub edit: Option<Number>,
}

/// A text that is not sent yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Which.
    pub key: DraftKey,
    /// The text so far.
    pub text: String,
    /// The `seq` of the message that it will answer.
    pub parent: Option<Number>,
    /// The number of its last change in its person's account.
    pub rev: Number,
    /// When it was saved.
    pub saved_at: Millis,
}

impl Draft {
    /// Whether both will say the same.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.text == other.text && self.parent == other.parent
    }
}

/// The answer to saving a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The draft as it is kept now.
    pub draft: Draft,
    /// What it has replaced, if that was saved elsewhere meanwhile and said something else.
    pub replaced: Option<Draft>,
}
