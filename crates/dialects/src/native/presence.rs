//! Presence: the queries, and the form in which it is shown.

use chat::{UserId, presence};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accounts::Person,
    fields::{self, Integer},
};
use crate::time::Time;

/// A presence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPresence {
    /// How to be shown.
    pub(super) presence: fields::Presence,
}

/// Some people.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetPresence {
    /// Whom.
    pub(super) users: Vec<Integer>,
}

/// Whether somebody is here.
#[derive(Serialize, ToSchema)]
pub struct PersonPresence {
    /// Whose.
    user: i64,
    /// Here or not.
    #[schema(value_type = fields::ShownPresence)]
    presence: &'static str,
    /// When they were last here; `null` while they are.
    #[schema(value_type = Option<fields::Moment>)]
    last_seen_at: Option<Time>,
}

impl From<&(UserId, presence::Seen)> for PersonPresence {
    fn from((user, seen): &(UserId, presence::Seen)) -> Self {
        Self { user: user.0, presence: seen.presence.name(), last_seen_at: seen.last_seen_at.map(Time) }
    }
}

/// The presence of the people asked for.
#[derive(Serialize, ToSchema)]
pub struct Presences {
    /// The people.
    pub(crate) people: Vec<PersonPresence>,
}

/// A person and whether they are here.
#[derive(Serialize, ToSchema)]
pub struct NamedPresence<'a> {
    /// Who.
    user: Person<'a>,
    /// Here or not.
    #[schema(value_type = fields::ShownPresence)]
    presence: &'static str,
    /// When they were last here; `null` while they are.
    #[schema(value_type = Option<fields::Moment>)]
    last_seen_at: Option<Time>,
}

impl<'a> From<&'a (UserId, String, presence::Seen)> for NamedPresence<'a> {
    fn from((user, username, seen): &'a (UserId, String, presence::Seen)) -> Self {
        Self {
            user: Person::new(*user, username),
            presence: seen.presence.name(),
            last_seen_at: seen.last_seen_at.map(Time),
        }
    }
}

/// People came, went or changed their presence.
#[derive(Serialize, ToSchema)]
pub struct PresenceChange<'a> {
    /// Who, and how they are now shown.
    pub(crate) people: Vec<NamedPresence<'a>>,
}
