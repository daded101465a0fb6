//! Who may do what: pure functions of roles, asked by the engine and by nobody else.

use crate::{
    accounts::ServerRole,
    conversations::{Conversation, Kind, Visibility},
    members::Role,
};

/// What a member can want to do to a conversation or to others in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Bring somebody in.
    Invite,
    /// Put somebody of a lower role out.
    Remove,
    /// Rename, describe, open or close.
    Update,
    /// Turn somebody else's message into a tombstone.
    DeleteOthers,
    /// Give a role below one's own.
    SetRole,
    /// Go.
    Leave,
}

impl Ability {
    /// All abilities.
    pub const ALL: [Self; 6] =
        [Self::Invite, Self::Remove, Self::Update, Self::DeleteOthers, Self::SetRole, Self::Leave];
}

/// Whether a member of this role may do it in a conversation of this kind.
#[must_use]
pub fn member_may(role: Role, kind: Kind, ability: Ability) -> bool {
    match (kind, ability) {
        // A direct conversation is its pair: nobody comes, goes or rules.
        (Kind::Direct, _) => false,
        (_, Ability::Leave) => true,
        // In a group everybody may bring a friend, and name it.
        (Kind::Group, Ability::Invite | Ability::Update) => true,
        (_, Ability::Remove | Ability::DeleteOthers) => role >= Role::Moderator,
        (_, Ability::Invite | Ability::Update | Ability::SetRole) => role >= Role::Admin,
    }
}

/// Whether somebody of role `actor` may act on a member of role `target` (remove, change the role).
/// Nobody acts on an equal, but owners do.
#[must_use]
pub fn outranks(actor: Role, target: Role) -> bool {
    actor > target || actor == Role::Owner
}

/// Whether `actor` may give `role`: never above one's own, and only an owner makes owners.
#[must_use]
pub fn may_give(actor: Role, role: Role) -> bool {
    actor > role || actor == Role::Owner
}

/// The role in which somebody acts in a conversation they are a member of: the server's moderators
/// and administrators act as such in public rooms, and as themselves everywhere else.
#[must_use]
pub fn acting_role(server: ServerRole, role: Role, conversation: &Conversation) -> Role {
    let public = conversation.kind == Kind::Room && conversation.visibility == Visibility::Public;
    match server {
        ServerRole::Admin if public => role.max(Role::Admin),
        ServerRole::Moderator if public => role.max(Role::Moderator),
        _ => role,
    }
}

/// Whether an account of this role may open rooms and groups, discover public rooms and look up people.
#[must_use]
pub fn may_roam(role: ServerRole) -> bool {
    role > ServerRole::Guest
}

/// Whether an account of this role may see and change other accounts, and see how the server is doing.
#[must_use]
pub fn may_administer(role: ServerRole) -> bool {
    role == ServerRole::Admin
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as a person would write it down, beside the function.
    fn table(role: Role, kind: Kind, ability: Ability) -> bool {
        let rank = match role {
            Role::Member => 0,
            Role::Moderator => 1,
            Role::Admin => 2,
            Role::Owner => 3,
        };
        let least = match (kind, ability) {
            (Kind::Direct, _) => return false,
            (Kind::Room, Ability::Invite) => 2,
            (Kind::Room, Ability::Remove) => 1,
            (Kind::Room, Ability::Update) => 2,
            (Kind::Room, Ability::DeleteOthers) => 1,
            (Kind::Room, Ability::SetRole) => 2,
            (Kind::Room, Ability::Leave) => 0,
            (Kind::Group, Ability::Invite) => 0,
            (Kind::Group, Ability::Remove) => 1,
            (Kind::Group, Ability::Update) => 0,
            (Kind::Group, Ability::DeleteOthers) => 1,
            (Kind::Group, Ability::SetRole) => 2,
            (Kind::Group, Ability::Leave) => 0,
        };
        rank >= least
    }

    #[test]
    fn abilities_equal_the_table() {
        for role in Role::ALL {
            for kind in Kind::ALL {
                for ability in Ability::ALL {
                    assert_eq!(
                        member_may(role, kind, ability),
                        table(role, kind, ability),
                        "{role:?} {kind:?} {ability:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn nobody_gives_or_takes_above_themselves() {
        for actor in Role::ALL {
            for other in Role::ALL {
                if actor != Role::Owner {
                    assert_eq!(may_give(actor, other), other < actor);
                    assert_eq!(outranks(actor, other), other < actor);
                }
            }
        }
    }
}
