//! User groups: named lists of people of the whole server, whom `@name` calls together. They are kept by the server's
//! moderators and administrators.

use crate::{Number, UserGroupId, UserId, people::NamesPeople};

/// A user group.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct UserGroup {
    /// Its id.
    pub id: UserGroupId,
    /// Its name, which no other group and no person has.
    pub name: String,
    /// How many people belong to it.
    pub size: i64,
    /// Whether the asker belongs to it.
    pub mine: bool,
}

/// All user groups of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct UserGroups {
    /// The number of the last change of any of them.
    pub rev: Number,
    /// The groups by name; absent if the asker knows this number already.
    pub groups: Option<Vec<UserGroup>>,
}

/// A user group with its people.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct UserGroupPeople {
    /// The group.
    pub group: UserGroup,
    /// Everybody who belongs to it, by id.
    pub people: Vec<UserId>,
}
