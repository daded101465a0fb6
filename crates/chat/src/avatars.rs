//! Avatars: the pictures of people, of rooms and groups, and of the server. An avatar is a file that somebody has uploaded
//! and that no message can carry any more; it is shown by its id, so another picture has another address.

use crate::{ConversationId, UserId, people::NamesPeople};

/// Whose picture is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub enum AvatarOf {
    /// The speaker's own.
    Me,
    /// Another person's. Server moderators may take it away, and nobody may choose it.
    User(UserId),
    /// A room's or a group's, by those who may edit its settings.
    Conversation(ConversationId),
    /// The server's, by its administrators.
    Server,
}

/// The holder of a picture. It decides who may see the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A person's avatar: everybody who is logged in may see it.
    Account,
    /// The avatar of a room or group: its members may see it, and of a public room all but guests.
    Conversation(ConversationId),
    /// The server's avatar: everybody may see it, strangers too.
    Server,
    /// An emoji: everybody who is logged in may see it.
    Emoji,
}

impl Holder {
    /// The name in the database. It never changes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Conversation(_) => "conversation",
            Self::Server => "server",
            Self::Emoji => "emoji",
        }
    }

    /// The holder of this name and conversation; nothing if a later version has it.
    #[must_use]
    pub fn from_name(name: &str, conversation: Option<ConversationId>) -> Option<Self> {
        match name {
            "account" => Some(Self::Account),
            "conversation" => conversation.map(Self::Conversation),
            "server" => Some(Self::Server),
            "emoji" => Some(Self::Emoji),
            _ => None,
        }
    }

    /// The media types that its picture may have.
    #[must_use]
    pub fn media_types(self) -> &'static [&'static str] {
        match self {
            Self::Account | Self::Conversation(_) | Self::Server => &["image/png", "image/jpeg", "image/webp"],
            Self::Emoji => &["image/png", "image/webp", "image/gif"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_is_found_by_its_name_and_no_other_is() {
        let room = ConversationId(7);
        for holder in [Holder::Account, Holder::Conversation(room), Holder::Server, Holder::Emoji] {
            assert_eq!(Holder::from_name(holder.name(), Some(room)), Some(holder));
        }
        assert_eq!(Holder::from_name("conversation", None), None);
        assert_eq!(Holder::from_name("space", Some(room)), None);
    }
}
