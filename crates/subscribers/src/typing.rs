//! Typing: who writes where, until they stop, send, or their time runs out.

use std::collections::HashMap;

use chat::{ConversationId, UserId};
use tokio::time::{Duration, Instant};

/// Who writes where.
pub(crate) struct Typing {
    lasts: Duration,
    writers: HashMap<(ConversationId, UserId), (Instant, String)>,
}

impl Typing {
    pub(crate) fn new(lasts: Duration) -> Self {
        Self { lasts, writers: HashMap::new() }
    }

    /// Notes a start; repeating it gives more time.
    pub(crate) fn start(&mut self, conversation: ConversationId, user: UserId, username: &str, now: Instant) {
        self.writers.insert((conversation, user), (now + self.lasts, username.to_owned()));
    }

    /// Notes a stop; the name, if there was something to stop.
    pub(crate) fn stop(&mut self, conversation: ConversationId, user: UserId) -> Option<String> {
        if self.writers.is_empty() {
            return None;
        }
        self.writers.remove(&(conversation, user)).map(|(_, username)| username)
    }

    /// Those whose time has run out.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<(ConversationId, UserId, String)> {
        self.writers
            .extract_if(|_, (until, _)| *until <= now)
            .map(|((conversation, user), (_, username))| (conversation, user, username))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn typing_ends_by_itself_and_repeating_it_gives_more_time() {
        let (room, ann) = (ConversationId(1), UserId(1));
        let now = Instant::now();
        let mut typing = Typing::new(Duration::from_secs(6));
        typing.start(room, ann, "ann", now);
        typing.start(room, ann, "ann", now + Duration::from_secs(3));
        assert!(typing.expired(now + Duration::from_secs(8)).is_empty());
        assert_eq!(typing.expired(now + Duration::from_secs(9)), [(room, ann, "ann".to_owned())]);
        assert_eq!(typing.stop(room, ann), None);
    }
}
