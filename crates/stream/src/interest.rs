//! Which conversations this node wants to hear of: those that its subscribers belong to.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use chat::ConversationId;
use tokio::sync::Notify;

/// What is wanted, and what has changed since it was last asked for.
#[derive(Default)]
pub(crate) struct Interest {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    wanted: HashSet<ConversationId>,
    /// Wanted now or no longer; as many at most as there are conversations.
    changes: HashMap<ConversationId, bool>,
}

impl Interest {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Notes that a conversation is wanted, or no longer.
    pub(crate) fn set(&self, conversation: ConversationId, wanted: bool) {
        let mut state = self.state();
        let news = if wanted { state.wanted.insert(conversation) } else { state.wanted.remove(&conversation) };
        if news {
            state.changes.insert(conversation, wanted);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Everything that is wanted; changes count from here.
    pub(crate) fn all(&self) -> Vec<ConversationId> {
        let mut state = self.state();
        state.changes.clear();
        state.wanted.iter().copied().collect()
    }

    /// Waits for changes: what is wanted besides, and what is wanted no more.
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
    async fn only_what_has_changed_is_told_and_once() {
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
