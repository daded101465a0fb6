//! A conversation that somebody on this node listens to.

use std::{collections::HashMap, sync::Arc};

use chat::{ConnectionId, Number, Outgoing, UserId, conversations::Place};
use dialects::Dialect;
use stream::Gaps;
use tokio::time::Instant;

use crate::{chunk::Chunk, pace::Pace, queue::Subscriber};

/// An event that waits for its turn: its batch, and its place in it.
pub(crate) type Waiting = (Arc<Vec<Outgoing>>, usize);

pub(crate) struct Channel {
    pub place: Place,
    /// Which numbers were told here, and what waits for its turn.
    pub gaps: Gaps<Waiting>,
    pub member_count: i64,
    /// Whose account waits for a number which was not told yet.
    pub later: Vec<(Number, UserId)>,
    pub subscribers: Vec<Arc<Subscriber>>,
    /// Who of them does not see all messages.
    pub limited: Limited,
    /// How many subscribers speak each dialect.
    pub listening: [u32; Dialect::COUNT],
    /// What was said here and is not handed out yet.
    pub chunk: Chunk,
    /// When it may be.
    pub pace: Pace,
    /// How much lies in the subscribers' outboxes for which they were not woken: events, or what stands for them.
    pub unwoken: u32,
}

/// Members who do not see all messages, with the number from which on they see them. Empty nearly everywhere.
#[derive(Default)]
pub(crate) struct Limited(HashMap<UserId, Number>);

impl Limited {
    /// Notes from which number on somebody sees messages; 0 is all.
    pub(crate) fn set(&mut self, user: UserId, visible_from: Number) {
        if visible_from > Number(0) {
            self.0.insert(user, visible_from);
        } else {
            self.0.remove(&user);
        }
    }

    /// The number from which on somebody sees messages; 0 if they see all.
    pub(crate) fn sees_from(&self, user: UserId) -> Number {
        self.0.get(&user).copied().unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Channel {
    pub(crate) fn new(place: Place, last: Number, member_count: i64) -> Self {
        Self {
            place,
            gaps: Gaps::new(last),
            member_count,
            later: Vec::new(),
            subscribers: Vec::new(),
            limited: Limited::default(),
            listening: Default::default(),
            chunk: Chunk::default(),
            pace: Pace::default(),
            unwoken: 0,
        }
    }

    pub(crate) fn add(&mut self, subscriber: Arc<Subscriber>) {
        if self.subscribers.iter().all(|known| known.id != subscriber.id) {
            self.listening[subscriber.dialect.place()] += 1;
            self.subscribers.push(subscriber);
        }
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) {
        if let Some(at) = self.subscribers.iter().position(|subscriber| subscriber.id == id) {
            let subscriber = self.subscribers.swap_remove(at);
            self.listening[subscriber.dialect.place()] -= 1;
        }
    }

    /// Hands out what was said here; tells to how many subscribers. They are to be woken.
    pub(crate) fn flush(&mut self) -> u64 {
        if self.chunk.is_empty() {
            return 0;
        }
        self.unwoken += self.chunk.events;
        std::mem::take(&mut self.chunk).hand_out(&self.subscribers, &self.limited)
    }

    /// Wakes everybody, once after all that was handed out. Tells when the channel is to be rechecked, if it is.
    pub(crate) fn wake(&mut self, now: Instant) -> Option<Instant> {
        self.subscribers.iter().for_each(|subscriber| subscriber.outbox.wake());
        self.pace.told(now, self.subscribers.len(), std::mem::take(&mut self.unwoken))
    }
}
