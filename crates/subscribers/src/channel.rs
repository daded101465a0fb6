//! A channel: a conversation with subscribers on this node.

use std::sync::Arc;

use chat::{Event, Number, Outgoing, UserId, conversations::Place};
use stream::Gaps;
use tokio::time::Instant;

use crate::{
    audience::{Audience, Listening},
    chunk::Chunk,
    numbers::Numbers,
    pace::{self, Pace},
    queue::Subscriber,
    turnover::Run,
};

/// An event that waits for its turn: its batch, and its index there.
pub(crate) type Waiting = (Arc<Vec<Outgoing>>, usize);

/// Subscribers for whom a channel has room from the beginning: as many as cost no more memory than one.
const ROOM: usize = 3;

/// Somebody may be in thousands of conversations in which nobody else is here: what few channels need is apart.
pub(crate) struct Channel {
    pub place: Place,
    /// The numbers that were published here, and the events that wait for their turn.
    pub gaps: Gaps<Waiting>,
    pub member_count: i64,
    pub subscribers: Vec<Arc<Subscriber>>,
    /// How many subscribers each audience has.
    pub listening: Listening,
    /// Frames that are not handed out yet.
    pub chunk: Chunk,
    /// Events (or their replacements) that lie in the subscribers' outboxes without a wake-up.
    pub unwoken: u32,
    rare: Option<Box<Rare>>,
}

/// State that most channels never need.
#[derive(Default)]
pub(crate) struct Rare {
    /// People whose accounts wait for a number of this conversation that was not published yet.
    pub later: Vec<(Number, UserId)>,
    /// Those subscribers who do not see all messages.
    limited: Limited,
    /// Joins and leaves that were not handed out yet to those who take them as one.
    pub run: Option<Run>,
    /// When the last of these runs was handed out.
    pub turnover_at: Option<Instant>,
    /// Decides when the frames of a large channel may be handed out.
    pace: Pace,
}

/// Members who do not see all messages, with the number from which on they see them, in the order of their ids.
#[derive(Default)]
pub(crate) struct Limited(Vec<(UserId, Number)>);

impl Limited {
    /// Of a conversation whose members see all messages.
    pub(crate) const NOBODY: &Self = &Self(Vec::new());

    /// Notes the number from which on a user sees messages; 0 means all.
    fn set(&mut self, user: UserId, visible_from: Number) {
        match (self.place(user), visible_from > Number(0)) {
            (Ok(at), true) => self.0.splice(at..=at, [(user, visible_from)]).for_each(drop),
            (Err(at), true) => self.0.insert(at, (user, visible_from)),
            (Ok(at), false) => drop(self.0.remove(at)),
            (Err(_), false) => {}
        }
    }

    /// The number from which on a user sees messages; 0 if they see all.
    pub(crate) fn sees_from(&self, user: UserId) -> Number {
        self.place(user).ok().and_then(|at| self.0.get(at)).map(|(_, number)| *number).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn place(&self, user: UserId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&user, |(known, _)| *known)
    }
}

impl Channel {
    pub(crate) fn new(place: Place, last: Number, member_count: i64) -> Self {
        Self {
            place,
            gaps: Gaps::new(last),
            member_count,
            subscribers: Vec::new(),
            listening: Default::default(),
            chunk: Chunk::default(),
            unwoken: 0,
            rare: None,
        }
    }

    pub(crate) fn add(&mut self, subscriber: Arc<Subscriber>) {
        // By their addresses: in a large channel, looking at each of them would miss the cache each time.
        if self.subscribers.iter().any(|known| Arc::ptr_eq(known, &subscriber)) {
            return;
        }
        if self.subscribers.capacity() == 0 {
            self.subscribers.reserve_exact(ROOM);
        }
        self.listening[Audience::of(&subscriber).place()] += 1;
        self.subscribers.push(subscriber);
    }

    pub(crate) fn remove(&mut self, subscriber: &Arc<Subscriber>) {
        if let Some(at) = self.subscribers.iter().position(|known| Arc::ptr_eq(known, subscriber)) {
            self.listening[Audience::of(subscriber).place()] -= 1;
            self.subscribers.swap_remove(at);
        }
    }

    /// Those subscribers who do not see all messages.
    pub(crate) fn limited(&self) -> &Limited {
        self.rare.as_deref().map_or(Limited::NOBODY, |rare| &rare.limited)
    }

    /// Notes the number from which on a user sees messages; 0 means all.
    pub(crate) fn limit(&mut self, user: UserId, visible_from: Number) {
        if visible_from > Number(0) {
            self.rare().limited.set(user, visible_from);
        } else if let Some(rare) = &mut self.rare {
            rare.limited.set(user, visible_from);
        }
    }

    /// People whose accounts wait for a number up to the last one that was published; they wait no longer.
    pub(crate) fn take_waiting(&mut self) -> Vec<UserId> {
        let last = self.gaps.last();
        let Some(rare) = &mut self.rare else { return Vec::new() };
        rare.later.extract_if(.., |(at, _)| *at <= last).map(|(_, user)| user).collect()
    }

    /// People whose accounts wait, when the channel goes.
    pub(crate) fn into_waiting(self) -> impl Iterator<Item = UserId> {
        self.rare.map(|rare| rare.later).unwrap_or_default().into_iter().map(|(_, user)| user)
    }

    /// Notes that a person's account waits for a number.
    pub(crate) fn lets_wait(&mut self, user: UserId, number: Number) {
        let later = &mut self.rare().later;
        later.retain(|(_, waiting)| *waiting != user);
        later.push((number, user));
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(crate) fn known_rare(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    /// Adds an event to what is handed out next to these audiences.
    pub(crate) fn add_event(&mut self, numbers: &Numbers, event: &Event, listening: &Listening) {
        let limited = self.rare.as_deref().map_or(Limited::NOBODY, |rare| &rare.limited);
        self.chunk.add(numbers, &self.place, event, listening, limited);
    }

    /// Hands out the chunk; returns the number of subscribers that got it, who must then be woken.
    pub(crate) fn flush(&mut self) -> u64 {
        if self.chunk.is_empty() {
            return 0;
        }
        let chunk = std::mem::take(&mut self.chunk);
        self.unwoken += chunk.events();
        chunk.hand_out(&self.subscribers, self.limited())
    }

    /// Until when the chunk must wait, if it must: see [`Pace::wait`].
    pub(crate) fn wait(&mut self, now: Instant) -> Option<Instant> {
        let Self { rare: Some(rare), subscribers, chunk, .. } = self else { return None };
        rare.pace.wait(now, subscribers.len(), chunk.len(), || pace::are_busy(subscribers))
    }

    /// Wakes all subscribers, once after everything was handed out. Returns when the channel must be rechecked, if it
    /// must.
    pub(crate) fn wake(&mut self, now: Instant) -> Option<Instant> {
        self.subscribers.iter().for_each(|subscriber| subscriber.outbox.wake());
        let (subscribers, events) = (self.subscribers.len(), std::mem::take(&mut self.unwoken));
        // A small channel has no pace.
        if subscribers < pace::LARGE {
            return None;
        }
        self.rare().pace.told(now, subscribers, events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_see_all_messages_is_found_by_their_id() {
        let mut limited = Limited::default();
        for (user, number) in [(7, 3), (2, 9), (5, 4), (7, 8), (2, 0), (4, 0)] {
            limited.set(UserId(user), Number(number));
        }
        let seen = [2, 4, 5, 7].map(|user| limited.sees_from(UserId(user)).0);
        assert_eq!((seen, limited.is_empty()), ([0, 0, 4, 8], false));
        [5, 7].iter().for_each(|user| limited.set(UserId(*user), Number(0)));
        assert!(limited.is_empty());
    }

    /// Somebody in five thousand conversations has as many of them.
    #[test]
    fn a_channel_takes_few_bytes() {
        assert!(size_of::<Channel>() <= 168, "{}", size_of::<Channel>());
    }
}
