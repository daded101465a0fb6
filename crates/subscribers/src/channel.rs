//! A channel: a conversation with subscribers on this node.

use std::{collections::HashMap, sync::Arc};

use chat::{ConnectionId, Number, Outgoing, UserId, conversations::Place};
use stream::Gaps;
use tokio::time::Instant;

use crate::{
    audience::{Audience, Listening},
    chunk::Chunk,
    pace::Pace,
    queue::Subscriber,
    turnover::Run,
};

/// An event that waits for its turn: its batch, and its index there.
pub(crate) type Waiting = (Arc<Vec<Outgoing>>, usize);

pub(crate) struct Channel {
    pub place: Place,
    /// The numbers that were published here, and the events that wait for their turn.
    pub gaps: Gaps<Waiting>,
    pub member_count: i64,
    /// People whose accounts wait for a number of this conversation that was not published yet.
    pub later: Vec<(Number, UserId)>,
    pub subscribers: Vec<Arc<Subscriber>>,
    /// Those subscribers who do not see all messages.
    pub limited: Limited,
    /// How many subscribers each audience has.
    pub listening: Listening,
    /// Joins and leaves that were not handed out yet to those who take them as one.
    pub run: Option<Run>,
    /// When the last of these runs was handed out.
    pub turnover_at: Option<Instant>,
    /// Frames that are not handed out yet.
    pub chunk: Chunk,
    /// Decides when they may be handed out.
    pub pace: Pace,
    /// Events (or their replacements) that lie in the subscribers' outboxes without a wake-up.
    pub unwoken: u32,
}

/// Members who do not see all messages, with the number from which on they see them. Empty in nearly all conversations.
#[derive(Default)]
pub(crate) struct Limited(HashMap<UserId, Number>);

impl Limited {
    /// Notes the number from which on a user sees messages; 0 means all.
    pub(crate) fn set(&mut self, user: UserId, visible_from: Number) {
        if visible_from > Number(0) {
            self.0.insert(user, visible_from);
        } else {
            self.0.remove(&user);
        }
    }

    /// The number from which on a user sees messages; 0 if they see all.
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
            run: None,
            turnover_at: None,
            chunk: Chunk::default(),
            pace: Pace::default(),
            unwoken: 0,
        }
    }

    pub(crate) fn add(&mut self, subscriber: Arc<Subscriber>) {
        if self.subscribers.iter().all(|known| known.id != subscriber.id) {
            self.listening[Audience::of(&subscriber).place()] += 1;
            self.subscribers.push(subscriber);
        }
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) {
        if let Some(at) = self.subscribers.iter().position(|subscriber| subscriber.id == id) {
            let subscriber = self.subscribers.swap_remove(at);
            self.listening[Audience::of(&subscriber).place()] -= 1;
        }
    }

    /// Hands out the chunk; returns the number of subscribers that got it, who must then be woken.
    pub(crate) fn flush(&mut self) -> u64 {
        if self.chunk.is_empty() {
            return 0;
        }
        self.unwoken += self.chunk.events;
        std::mem::take(&mut self.chunk).hand_out(&self.subscribers, &self.limited)
    }

    /// Wakes all subscribers, once after everything was handed out. Returns when the channel must be rechecked, if it
    /// must.
    pub(crate) fn wake(&mut self, now: Instant) -> Option<Instant> {
        self.subscribers.iter().for_each(|subscriber| subscriber.outbox.wake());
        self.pace.told(now, self.subscribers.len(), std::mem::take(&mut self.unwoken))
    }
}
