//! Which conversations a connection hears, where its client chooses. It narrows what the person may
//! hear and never widens it: only members' connections are asked at all.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use chat::ConversationId;
use dialects::Hears;

/// A connection's choice.
#[derive(Debug)]
pub struct Tuning {
    /// Whether a conversation that was not chosen about is heard.
    rest: bool,
    /// Those of which the opposite holds.
    exceptions: Mutex<HashSet<ConversationId>>,
}

impl Tuning {
    /// The choice of a new connection; none where clients do not choose.
    #[must_use]
    pub fn new(hears: Hears) -> Option<Self> {
        let rest = match hears {
            Hears::All => return None,
            Hears::AllBut => true,
            Hears::Chosen => false,
        };
        Some(Self { rest, exceptions: Mutex::default() })
    }

    /// Turns a conversation on or off; false if there are `most` choices already.
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

    /// Whether it is heard.
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
    fn one_hears_what_one_chose_and_the_rest_as_the_endpoint_has_it() {
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
