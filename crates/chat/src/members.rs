//! Members: the people of a conversation, and their roles.

use crate::{Millis, Number, UserId, people::NamesPeople};

/// A member's role in a conversation. See [`crate::policies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NamesPeople)]
pub enum Role {
    /// Reads and writes.
    Member,
    /// Also deletes others' messages and removes members.
    Moderator,
    /// Also changes the room, invites into it, and makes moderators.
    Admin,
    /// May do everything; there is always at least one while there are members.
    Owner,
}

impl Role {
    /// All roles, lowest first.
    pub const ALL: [Self; 4] = [Self::Member, Self::Moderator, Self::Admin, Self::Owner];

    /// The role's name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A person's place in a conversation. The row stays after they leave, so that catching up finds it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Member {
    /// The account.
    pub user: UserId,
    /// Its username.
    pub username: String,
    /// Its name as others see it: see [`crate::accounts::Account::shown_name`].
    pub shown_name: String,
    /// Its role, absent once it has left or was removed.
    pub role: Option<Role>,
    /// The number of the last change of this membership.
    pub rev: Number,
    /// When it (last) joined.
    pub joined_at: Millis,
}

/// A run of joins and leaves of one conversation, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turnover {
    /// The number of the first of them.
    pub from: Number,
    /// The number of the last of them.
    pub to: Number,
    /// How many members there are after it.
    pub member_count: i64,
}

/// How a membership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub enum Departure {
    /// The member left.
    Left,
    /// Somebody removed the member.
    Removed,
}

impl Departure {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Removed => "removed",
        }
    }
}
