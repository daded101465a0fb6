//! Handing out: the waiting frames of a channel go into its subscribers' outboxes, and each subscriber is woken once.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use chat::ConversationId;
use tokio::time::Instant;

use super::State;

/// The channels that have something to hand out.
#[derive(Default)]
pub(super) struct Touched {
    /// Channels to hand out now, unless they are large.
    now: Vec<ConversationId>,
    /// Large channels that are handed out later.
    later: BTreeSet<(Instant, ConversationId)>,
}

impl Touched {
    /// Notes that a channel has something to hand out.
    pub(super) fn add(&mut self, conversation: ConversationId) {
        self.now.push(conversation);
    }

    /// Plans to hand out what a channel will have at this time.
    pub(super) fn add_later(&mut self, due: Instant, conversation: ConversationId) {
        self.later.insert((due, conversation));
    }

    /// When the next large channel must be rechecked.
    pub(super) fn due(&self) -> Option<Instant> {
        self.later.first().map(|(due, _)| *due)
    }

    /// Takes the channels that may be due, each once: a large channel that was handed out twice would count as having
    /// had nothing the second time.
    fn take(&mut self, now: Instant) -> Vec<ConversationId> {
        let mut all = std::mem::take(&mut self.now);
        while let Some((due, _)) = self.later.first()
            && *due <= now
        {
            all.extend(self.later.pop_first().map(|(_, conversation)| conversation));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl State {
    /// Hands out what has come since the last time, then the answers, and wakes each subscriber once. A large channel
    /// that is still being written to gets it later.
    pub(super) fn hand_out(&mut self, answers: Vec<Box<dyn FnOnce() + Send>>) {
        let now = Instant::now();
        let mut touched = self.touched.take(now);
        touched.retain(|conversation| self.is_due(*conversation, now));
        for conversation in &touched {
            if let Some(channel) = self.channels.get_mut(conversation) {
                self.deliveries.fetch_add(channel.flush(), Ordering::Relaxed);
            }
        }
        // The answers go into the same outboxes before anybody is woken, so that a sender's answer and event are one
        // write.
        for answer in answers {
            answer();
        }
        for conversation in touched {
            if let Some(look) = self.channels.get_mut(&conversation).and_then(|channel| channel.wake(now)) {
                self.touched.later.insert((look, conversation));
            }
        }
    }

    /// Whether a channel may be handed out now. If not, it is planned to be rechecked.
    fn is_due(&mut self, conversation: ConversationId, now: Instant) -> bool {
        let Some(channel) = self.channels.get_mut(&conversation) else { return false };
        channel.end_due_run(conversation, now);
        let wait = channel.wait(now);
        if let Some(until) = wait {
            self.touched.later.insert((until, conversation));
        }
        wait.is_none() && (channel.unwoken > 0 || !channel.chunk.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_channel_that_was_touched_often_is_handed_out_once() {
        let (now, mut touched) = (Instant::now(), Touched::default());
        for id in [7, 5, 7, 7] {
            touched.add(ConversationId(id));
        }
        touched.later.insert((now, ConversationId(5)));
        touched.later.insert((now + Duration::from_millis(1), ConversationId(9)));
        assert_eq!(touched.take(now), [ConversationId(5), ConversationId(7)]);
        assert_eq!(touched.due(), Some(now + Duration::from_millis(1)));
    }
}
