//! Permissions on the server as a whole: pure functions of server roles, used only by the engine. For permissions in a
//! conversation see [`crate::policies`].

use crate::accounts::ServerRole;

/// Whether an account of this role may open rooms and groups, discover public rooms and look up people.
#[must_use]
pub fn may_roam(role: ServerRole) -> bool {
    role > ServerRole::Guest
}

/// Whether an account of this role may make and change user groups.
#[must_use]
pub fn may_keep_user_groups(role: ServerRole) -> bool {
    role >= ServerRole::Moderator
}

/// Whether an account of this role may add and remove custom emoji.
#[must_use]
pub fn may_keep_emoji(role: ServerRole) -> bool {
    role >= ServerRole::Moderator
}

/// Whether an account of this role may take other people's pictures away.
#[must_use]
pub fn may_remove_avatars(role: ServerRole) -> bool {
    role >= ServerRole::Moderator
}

/// Whether an account of this role may see and change other accounts, and see the server's statistics.
#[must_use]
pub fn may_administer(role: ServerRole) -> bool {
    role == ServerRole::Admin
}
