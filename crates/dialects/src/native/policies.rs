//! The abilities of a member and the reason for each, as they are shown.

use chat::{
    members::Role,
    policies::{self, Decision, Grant, Reason},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::fields;
use crate::time::Time;

/// The abilities of a member in a conversation, and the reason for each.
#[derive(Serialize, ToSchema)]
pub struct Abilities {
    /// The member's role.
    #[schema(value_type = fields::Role)]
    role: &'static str,
    /// The role in which they act: greater than their own for the server's staff in public rooms.
    #[schema(value_type = fields::Role)]
    acting_role: &'static str,
    /// They see messages with this `seq` and greater ones; 0 if they see all. It was decided when they joined.
    visible_from: i64,
    /// One for each ability.
    abilities: Vec<Ability>,
}

/// Whether a member may do something, and why.
#[derive(Serialize, ToSchema)]
pub struct Ability {
    /// What: `post`, `react`, `invite`, …
    ability: &'static str,
    /// Whether they may.
    may: bool,
    /// Why: `kind` (nobody may in this kind of conversation), `role`, `grant` or `withdrawal`.
    reason: &'static str,
    /// With `role`: the least role for it.
    #[schema(value_type = Option<fields::Role>)]
    needed_role: Option<&'static str>,
    /// With `role`: whether the conversation's policy says so; else it is the default.
    by_policy: bool,
    /// With `grant` and `withdrawal`: when it ends; `null` if it has no end.
    #[schema(value_type = Option<fields::Moment>)]
    ends_at: Option<Time>,
}

impl From<&policies::Explanation> for Abilities {
    fn from(explanation: &policies::Explanation) -> Self {
        Self {
            role: explanation.role.name(),
            acting_role: explanation.acting_role.name(),
            visible_from: explanation.visible_from.0,
            abilities: explanation.decisions.iter().map(Ability::from).collect(),
        }
    }
}

impl From<&Decision> for Ability {
    fn from(decision: &Decision) -> Self {
        let (reason, needed_role, by_policy, ends_at) = match decision.reason {
            Reason::Kind => ("kind", None, false, None),
            Reason::Role { needed, by_policy } => ("role", Some(needed), by_policy, None),
            Reason::Grant(Grant { given, ends_at, .. }) => {
                (if given { "grant" } else { "withdrawal" }, None, false, ends_at)
            }
        };
        Self {
            ability: decision.ability.name(),
            may: decision.may,
            reason,
            needed_role: needed_role.map(Role::name),
            by_policy,
            ends_at: ends_at.map(Time),
        }
    }
}
