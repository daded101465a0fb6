//! Conversations: rooms, groups and direct conversations in one model.

use crate::{
    ConversationId, FileId, Millis, Number, UserId, members::Role, messages::Message,
    notifications::ConversationSettings, people::NamesPeople, presence::Presence,
};

/// The kind of a conversation, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NamesPeople)]
pub enum Kind {
    /// A named place, public or private, that people join and leave.
    Room,
    /// A few people whom somebody brought together; always private; a name is optional.
    Group,
    /// Exactly one pair of people (or one person with themselves). One per pair.
    Direct,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Room, Self::Group, Self::Direct];

    /// The kind's name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Group => "group",
            Self::Direct => "direct",
        }
    }

    /// The kind of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Whether everybody can find and join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NamesPeople)]
pub enum Visibility {
    /// Everybody but guests may discover it and join.
    Public,
    /// Only its members know of it.
    Private,
}

impl Visibility {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// The visibility of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Public, Self::Private].into_iter().find(|v| v.name() == name)
    }
}

/// A conversation's own row: the part that all members see alike.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Room, group or direct.
    pub kind: Kind,
    /// Public or private; groups and direct conversations are private.
    pub visibility: Visibility,
    /// Its name. Room names are unique without regard to case; groups may have none, direct ones have none.
    pub name: Option<String>,
    /// Its subject.
    pub topic: Option<String>,
    /// Its picture, if it has one; direct conversations have none.
    pub avatar: Option<FileId>,
    /// The account that opened it.
    pub created_by: UserId,
    /// When it was opened.
    pub created_at: Millis,
    /// The number of the last change in it.
    pub head: Number,
    /// The number of the last change of this row.
    pub rev: Number,
    /// How many members it has.
    pub member_count: i64,
    /// Whether earlier texts of edited messages are kept for its members: see [`crate::versions`].
    pub edit_history: bool,
    /// The two people of a direct conversation, the lower id first.
    pub pair: Option<(UserId, UserId)>,
    /// Whether new messages get previews of their links.
    pub previews: bool,
}

/// A conversation as one of its members sees it in their list.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Listed {
    /// The conversation.
    pub conversation: Conversation,
    /// The member's role in it.
    pub role: Role,
    /// The number from which on the member sees messages; 0 if they see all.
    pub visible_from: Number,
    /// The member's read marker.
    pub read_seq: Number,
    /// Messages of others after the read marker, or from the message on from which the member has marked the
    /// conversation as unread, counted up to [`crate::limits::UNREAD_CAP`].
    pub unread: i64,
    /// Those of them that are for the member: mentions of them, of their user groups or of everybody, and replies; in a
    /// direct conversation all.
    pub unread_for_me: i64,
    /// The member's own settings for it.
    pub settings: ConversationSettings,
    /// The newest message, deleted ones included.
    pub last_message: Option<Message>,
    /// The same without what is in threads only; absent if that makes no difference.
    pub room: Option<Box<InRoom>>,
    /// In a direct conversation, the other person.
    pub peer: Option<Peer>,
}

/// The parts of an entry of the list that differ for somebody who sees threads apart from the room.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct InRoom {
    /// Messages of others in the room after the read marker, counted up to [`crate::limits::UNREAD_CAP`].
    pub unread: i64,
    /// The newest message in the room, deleted ones included.
    pub last_message: Option<Message>,
}

/// The other person of a direct conversation.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Peer {
    /// The account.
    pub user: UserId,
    /// Its name.
    pub username: String,
    /// Its name as others see it: see [`crate::accounts::Account::shown_name`].
    pub shown_name: String,
    /// Its display name.
    pub display_name: Option<String>,
    /// Its given name.
    pub first_name: Option<String>,
    /// Its family name.
    pub last_name: Option<String>,
    /// Its present presence.
    pub presence: Presence,
}

/// The data of a conversation that an endpoint needs for encoding its events.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Place {
    /// Room, group or direct.
    pub kind: Kind,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The two people of a direct conversation, the lower id first.
    pub pair: Option<(UserId, UserId)>,
}
