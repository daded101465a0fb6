//! Who may do what on the server as a whole: pure functions of server roles, asked by the engine and by nobody else.
//! What a member may do in a conversation is in [`crate::policies`].

use crate::accounts::ServerRole;

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
