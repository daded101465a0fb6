//! Typing: who writes where, until they stop, send, or their time runs out.

use std::collections::HashMap;

use chat::{ConversationId, UserId};
use tokio::time::{Duration, Instant};

/// Somebody who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typist {
    /// The account.
    pub user: UserId,
    /// Its name.
    pub username: String,
    /// What it is called: see [`chat::accounts::Account::shown_name`].
    pub shown_name: String,
}

/// Who writes where.
pub(crate) struct Typing {
    lasts: Duration,
    writers: HashMap<(ConversationId, UserId), (Instant, Typist)>,
}

impl Typing {
    pub(crate) fn new(lasts: Duration) -> Self {
        Self { lasts, writers: HashMap::new() }
    }

    /// Notes a start; repeating it gives more time.
    pub(crate) fn start(&mut self, conversation: ConversationId, typist: Typist, now: Instant) {
        self.writers.insert((conversation, typist.user), (now + self.lasts, typist));
    }

    /// Notes a stop; who it was, if there was something to stop.
    pub(crate) fn stop(&mut self, conversation: ConversationId, user: UserId) -> Option<Typist> {
        if self.writers.is_empty() {
            return None;
        }
        self.writers.remove(&(conversation, user)).map(|(_, typist)| typist)
    }

    /// Those whose time has run out.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<(ConversationId, Typist)> {
        self.writers
            .extract_if(|_, (until, _)| *until <= now)
            .map(|((conversation, _), (_, typist))| (conversation, typist))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn typing_ends_by_itself_and_repeating_it_gives_more_time() {
        let channel = ConversationId(1);
        let ann = Typist { user: UserId(1), username: "ann".into(), shown_name: "Ann".into() };
        let now = Instant::now();
        let mut typing = Typing::new(Duration::from_secs(6));
        typing.start(channel, ann.clone(), now);
        typing.start(channel, ann.clone(), now + Duration::from_secs(3));
        assert!(typing.expired(now + Duration::from_secs(8)).is_empty());
        assert_eq!(typing.expired(now + Duration::from_secs(9)), [(channel, ann)]);
        assert_eq!(typing.stop(channel, UserId(1)), None);
    }
}
