//! The conversations that a connection hears, where its client chooses. A choice narrows what the person may hear and
//! never widens it: only members' connections are consulted at all.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use chat::ConversationId;
use dialects::Hears;

/// A connection's choice.
#[derive(Debug)]
pub struct Tuning {
    /// Whether conversations without a choice are heard.
    rest: bool,
    /// Conversations for which the opposite holds.
    exceptions: Mutex<HashSet<ConversationId>>,
}

impl Tuning {
    /// The choice of a new connection; `None` in dialects whose clients do not choose.
    #[must_use]
    pub fn new(hears: Hears) -> Option<Self> {
        let rest = match hears {
            Hears::All => return None,
            Hears::AllBut => true,
            Hears::Chosen => false,
        };
        Some(Self { rest, exceptions: Mutex::default() })
    }

    /// Turns a conversation on or off; false if `most` choices exist already.
    pub fn tune(&self, conversation: ConversationId, hears: bool, most: usize) -> bool {
        let mut exceptions = self.exceptions.lock().unwrap_or_else(PoisonError::into_inner);
        if hears == self.rest {
            exceptions.remove(&conversation);
            return true;
        }
        if exceptions.len() >= most && !exceptions.contains(&conversation) {
            return false;
        }
        exceptions.insert(conversation);
        true
    }

    /// Whether a conversation is heard.
    #[must_use]
    pub fn hears(&self, conversation: ConversationId) -> bool {
        let exceptions = self.exceptions.lock().unwrap_or_else(PoisonError::into_inner);
        exceptions.contains(&conversation) != self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_hears_its_choices_and_the_rest_by_the_endpoints_default() {
        let (one, other) = (ConversationId(1), ConversationId(2));
        let chosen = Tuning::new(Hears::Chosen).unwrap();
        assert!(!chosen.hears(one));
        assert!(chosen.tune(one, true, 1) && chosen.hears(one) && !chosen.hears(other));
        assert!(!chosen.tune(other, true, 1), "only so many choices");
        assert!(chosen.tune(one, true, 1), "repeating a choice is no new one");
        assert!(chosen.tune(one, false, 1) && !chosen.hears(one));
        let all_but = Tuning::new(Hears::AllBut).unwrap();
        assert!(all_but.tune(one, false, 9) && !all_but.hears(one) && all_but.hears(other));
        assert!(Tuning::new(Hears::All).is_none());
    }
}
