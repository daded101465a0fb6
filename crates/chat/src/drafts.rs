//! Drafts: texts that a person has begun to write, alike on all their devices.

use crate::{ConversationId, Millis, Number, people::NamesPeople};

/// The key of a person's draft: there is one for each conversation, one for each thread, and one for each of their
/// messages that they are editing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NamesPeople)]
pub struct DraftKey {
    /// The conversation.
    pub conversation: ConversationId,
    /// The `seq` of the message that it will change; absent for a new message.
    pub edit: Option<Number>,
    /// The `seq` of the message in whose thread it will stand; absent in the room, and for an edit.
    pub thread: Option<Number>,
}

/// A text that is not sent yet.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Draft {
    /// Its key.
    pub key: DraftKey,
    /// The text so far.
    pub text: String,
    /// The `seq` of the message that it replies to.
    pub parent: Option<Number>,
    /// The number of its last change in its person's account.
    pub rev: Number,
    /// When it was saved.
    pub saved_at: Millis,
}

impl Draft {
    /// Whether two drafts have the same content.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.text == other.text && self.parent == other.parent
    }
}

/// The answer to saving a draft.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Saved {
    /// The draft as it is kept now.
    pub draft: Draft,
    /// The draft that it has replaced, if that was saved on another device meanwhile and has another content.
    pub replaced: Option<Draft>,
}
