//! What people have used up of what they may do in a time: told by each node to the others.

use crate::UserId;

/// A try that few may be made of in a time, by whoever is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Try {
    /// A log-in that failed: a digest of which account from which address.
    LogIn(String),
    /// A registration: from which address.
    Registration(String),
}

/// What was used up since this was last told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Who, of which rate, how much.
    pub rates: Vec<(UserId, u8, u32)>,
    /// Tries by strangers.
    pub tries: Vec<Try>,
}

impl Spent {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rates.is_empty() && self.tries.is_empty()
    }
}
