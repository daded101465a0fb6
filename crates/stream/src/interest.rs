//! The conversations that this node wants events of: those that its subscribers belong to.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use chat::ConversationId;
use tokio::sync::Notify;

/// The wanted conversations, and the changes since they were last asked for.
#[derive(Default)]
pub(crate) struct Interest {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    wanted: HashSet<ConversationId>,
    /// Conversations that were added (`true`) or removed since; as many at most as there are conversations.
    changes: HashMap<ConversationId, bool>,
}

impl Interest {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Notes that a conversation is wanted, or no longer wanted.
    pub(crate) fn set(&self, conversation: ConversationId, wanted: bool) {
        let mut state = self.state();
        let news = if wanted { state.wanted.insert(conversation) } else { state.wanted.remove(&conversation) };
        if news {
            state.changes.insert(conversation, wanted);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// All wanted conversations; changes are counted from here on.
    pub(crate) fn all(&self) -> Vec<ConversationId> {
        let mut state = self.state();
        state.changes.clear();
        state.wanted.iter().copied().collect()
    }

    /// Waits for changes; returns the conversations that were added, and those that were removed.
    pub(crate) async fn changes(&self) -> (Vec<ConversationId>, Vec<ConversationId>) {
        loop {
            let changes = std::mem::take(&mut self.state().changes);
            if !changes.is_empty() {
                let (more, less): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(_, wanted)| *wanted);
                let ids = |changes: Vec<(ConversationId, bool)>| changes.into_iter().map(|(id, _)| id).collect();
                return (ids(more), ids(less));
            }
            self.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_change_of_interest_is_returned_once() {
        let interest = Interest::default();
        let [one, two, three] = [1, 2, 3].map(ConversationId);
        interest.set(one, true);
        assert_eq!(interest.all(), [one]);
        interest.set(one, true);
        interest.set(two, true);
        interest.set(one, false);
        interest.set(three, false);
        assert_eq!(interest.changes().await, (vec![two], vec![one]));
        let more = tokio::time::timeout(std::time::Duration::from_millis(20), interest.changes()).await;
        assert!(more.is_err(), "{more:?}");
    }
}
