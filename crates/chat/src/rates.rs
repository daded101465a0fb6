//! Rate usage that nodes report to each other.

use crate::UserId;

/// An attempt of an unauthenticated client that is limited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Try {
    /// A failed log-in: a digest of the account and the network it came from.
    LogIn(String),
    /// A registration: the network it came from.
    Registration(String),
}

/// The usage since the last report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// For each user and rate, the number of uses.
    pub rates: Vec<(UserId, u8, u32)>,
    /// Attempts of unauthenticated clients.
    pub tries: Vec<Try>,
}

impl Spent {
    /// Whether there is nothing to report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rates.is_empty() && self.tries.is_empty()
    }
}
