//! Methods that wait for what a person receives of others, and check that nothing more comes.

use serde_json::{Value, json};

use super::{Person, Room, State};
use crate::inbox::{Heard, Inbox};

impl Person {
    /// Waits for this event, caused by others; no other event may come before it.
    ///
    /// # Panics
    /// If something else comes.
    pub async fn hears(&self, words: &str) -> Value {
        let heard = self.next_heard(words).await;
        assert_eq!(heard.words, words, "{} hears something else: {}", self.inner.name, heard.frame);
        heard.frame
    }

    async fn next_heard(&self, what: &str) -> Heard {
        let next = |state: &mut State| {
            while state.inbox.heard.front().is_some_and(|heard| heard.own) {
                state.inbox.heard.pop_front();
            }
            state.inbox.heard.pop_front()
        };
        self.inner.wait_for(what, next).await
    }

    /// Waits for an event that they caused themselves.
    pub async fn hears_themselves(&self, words: &str) -> Value {
        let next = |state: &mut State| {
            let at = state.inbox.heard.iter().position(|heard| heard.own && heard.words == words)?;
            state.inbox.heard.remove(at)
        };
        self.inner.wait_for(words, next).await.frame
    }

    /// Waits for a signal: typing, presence (perhaps among others'), a marker. Earlier signals are skipped.
    pub async fn notices(&self, words: &str) -> Value {
        let next = |state: &mut State| {
            let at = state.inbox.signals.iter().position(|heard| heard.words.split(", ").any(|one| one == words))?;
            state.inbox.signals.drain(..=at).next_back()
        };
        self.inner.wait_for(words, next).await.frame
    }

    /// Whether a signal has come that was not asked for yet; whatever is on its way is waited for.
    pub async fn has_noticed(&self, words: &str) -> bool {
        self.begins("ping", json!({})).await.granted();
        self.inner.state().inbox.signals.iter().any(|heard| heard.words.contains(words))
    }

    /// Checks that all events were asked for; whatever is on its way is waited for.
    ///
    /// # Panics
    /// If there is another event that others caused.
    pub async fn hears_nothing_more(&self) {
        // The server answers in order: when this is answered, everything that it sent before has come.
        self.begins("ping", json!({})).await.granted();
        let state = self.inner.state();
        let more: Vec<&Heard> = state.inbox.heard.iter().filter(|heard| !heard.own).collect();
        assert!(more.is_empty(), "{} hears more: {more:?}", self.inner.name);
    }

    /// Forgets everything received so far.
    pub async fn forgets(&self) {
        self.begins("ping", json!({})).await.granted();
        self.inner.state().inbox = Inbox::default();
    }

    /// The same for a person who is not connected.
    pub fn forgets_everything_unheard(&self) {
        self.inner.state().inbox = Inbox::default();
    }

    /// Waits for the next catch-up of a conversation.
    pub async fn catches_up(&self) -> Value {
        self.inner.wait_for("a catch-up", |state| state.inbox.changes.pop_front()).await
    }

    /// The number of catch-ups that were not asked for yet.
    #[must_use]
    pub fn catch_ups(&self) -> usize {
        self.inner.state().inbox.changes.len()
    }

    /// Asks for the changes after a number, and applies them.
    ///
    /// # Panics
    /// If they contradict the protocol.
    pub async fn syncs(&self, room: &Room, since: i64) -> Value {
        let data = self.begins("conversation.sync", json!({"conversation": room.id, "since": since})).await.granted();
        let anew = self.inner.state().model.take_changes(room.id, &data).expect("changes");
        if anew {
            self.inner.read(room.id).await;
        }
        self.lives_by_the_law(Some(room.id)).await;
        data
    }
}
