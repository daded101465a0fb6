//! User groups: how they are kept, and how they are shown.

use chat::{Number, Query, UserGroupId, UserId, user_groups};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{Integer, Text};

/// The version that the client already has.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListUserGroups {
    /// The `rev` of the list that the client has; if it is still the same, the groups are not sent again.
    pub(super) rev: Option<Integer>,
}

impl ListUserGroups {
    pub(super) fn query(self) -> Query {
        Query::UserGroups { rev: self.rev.map(|rev| Number(rev.0)) }
    }
}

/// A user group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfUserGroup {
    /// Which.
    pub(super) group: Integer,
}

impl OfUserGroup {
    pub(super) fn id(&self) -> UserGroupId {
        UserGroupId(self.group.0)
    }
}

/// A new user group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateUserGroup {
    /// Its name, which no other group and no person has.
    pub(super) name: Text,
    /// Its people; none if absent.
    pub(super) people: Option<Vec<Integer>>,
}

/// A user group and its new name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RenameUserGroup {
    /// Which.
    pub(super) group: Integer,
    /// The new name.
    pub(super) name: Text,
}

/// A user group and people.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PeopleOfUserGroup {
    /// Which.
    pub(super) group: Integer,
    /// Who.
    pub(super) people: Vec<Integer>,
}

pub(super) fn ids(people: &[Integer]) -> Vec<UserId> {
    people.iter().map(|id| UserId(id.0)).collect()
}

/// A named list of people, whom `@name` calls together.
#[derive(Serialize, ToSchema)]
pub struct UserGroup<'a> {
    /// Its id.
    id: i64,
    /// Its name.
    name: &'a str,
    /// How many people belong to it.
    size: i64,
    /// Whether the speaker belongs to it.
    mine: bool,
}

impl<'a> From<&'a user_groups::UserGroup> for UserGroup<'a> {
    fn from(group: &'a user_groups::UserGroup) -> Self {
        Self { id: group.id.0, name: &group.name, size: group.size, mine: group.mine }
    }
}

/// The user groups of the server.
#[derive(Serialize, ToSchema)]
pub struct UserGroups<'a> {
    /// The number of the last change of any of them.
    rev: i64,
    /// All groups by name; `null` if nothing has changed since the `rev` that was given.
    groups: Option<Vec<UserGroup<'a>>>,
}

impl<'a> From<&'a user_groups::UserGroups> for UserGroups<'a> {
    fn from(all: &'a user_groups::UserGroups) -> Self {
        let groups = all.groups.as_ref().map(|groups| groups.iter().map(UserGroup::from).collect());
        Self { rev: all.rev.0, groups }
    }
}

/// A user group with its people.
#[derive(Serialize, ToSchema)]
pub struct UserGroupPeople<'a> {
    #[serde(flatten)]
    group: UserGroup<'a>,
    /// Everybody who belongs to it.
    people: Vec<i64>,
}

impl<'a> From<&'a user_groups::UserGroupPeople> for UserGroupPeople<'a> {
    fn from(found: &'a user_groups::UserGroupPeople) -> Self {
        Self { group: UserGroup::from(&found.group), people: found.people.iter().map(|person| person.0).collect() }
    }
}

/// The user groups of a person.
#[derive(Serialize, ToSchema)]
pub struct OwnUserGroups {
    /// Their ids.
    pub(crate) groups: Vec<i64>,
}
