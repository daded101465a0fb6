//! Connections end when what they came with does: a host application's token at its time, a session when it was not
//! used for too long or has lasted as long as any may.
//!
//! One heap for all connections, looked at with each tick, so that a connection needs no timer of its own for it.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
    sync::Arc,
};

use chat::{ConnectionId, UserId, sessions::Standing};
use tokio::time::Instant;

use super::State;
use crate::{CloseReason, queue::Subscriber};

/// So many times that nobody waits for any more are kept in any case; beyond that they are swept out.
const SPARE: usize = 1_024;

/// When what connections came with ends.
#[derive(Default)]
pub(super) struct Expiry {
    times: BinaryHeap<Reverse<(Instant, UserId, ConnectionId)>>,
    /// Whose session is being looked at, because it should have ended unless it was used.
    looking: HashSet<(UserId, ConnectionId)>,
}

impl Expiry {
    fn watch(&mut self, at: Instant, user: UserId, id: ConnectionId) {
        self.times.push(Reverse((at, user, id)));
    }

    /// Somebody whose time has come, one at a time.
    fn due(&mut self, now: Instant) -> Option<(UserId, ConnectionId)> {
        let Reverse((at, ..)) = self.times.peek()?;
        if *at > now {
            return None;
        }
        self.times.pop().map(|Reverse((_, user, id))| (user, id))
    }

    /// Forgets those that have gone, when they are more than those that are here.
    fn sweep(&mut self, connections: usize, is_here: impl Fn(UserId, ConnectionId) -> bool) {
        if self.times.len() > 2 * connections + SPARE {
            self.times.retain(|Reverse((_, user, id))| is_here(*user, *id));
        }
    }
}

impl State {
    pub(super) fn watch_expiry(&mut self, subscriber: &Subscriber) {
        self.expiry.watch(Instant::from_std(subscriber.good_until), subscriber.user, subscriber.id);
        let people = &self.people;
        let subscribers = |user: UserId| people.get(&user).map(|person| &*person.subscribers).unwrap_or_default();
        let connections = self.connections.load(std::sync::atomic::Ordering::Relaxed);
        self.expiry.sweep(usize::try_from(connections).unwrap_or(0), |user, id| {
            subscribers(user).iter().any(|subscriber| subscriber.id == id)
        });
    }

    /// Ends the connections whose token has ended, and looks at the sessions that should have.
    pub(super) fn on_tick_of_expiry(&mut self, now: Instant) {
        let mut doubtful = HashSet::new();
        while let Some((user, id)) = self.expiry.due(now) {
            let Some(subscriber) = self.subscriber(user, id) else { continue };
            if subscriber.session.is_some() {
                // It was used since, perhaps.
                self.expiry.looking.insert((user, id));
                doubtful.insert(user);
            } else {
                subscriber.outbox.end(CloseReason::TokenExpired);
            }
        }
        for user in doubtful {
            self.look_at_standing(user);
        }
    }

    /// Sessions of these connections were looked at: those that go on are rechecked when they should end.
    pub(super) fn watch_again(&mut self, subscribers: &[Arc<Subscriber>], standing: &Standing, now: Instant) {
        for subscriber in subscribers {
            let place = (subscriber.user, subscriber.id);
            if let Some(left) = subscriber.session.and_then(|session| standing.live.get(&session))
                && self.expiry.looking.remove(&place)
            {
                self.expiry.watch(now + *left, subscriber.user, subscriber.id);
            }
        }
    }

    /// A connection has gone.
    pub(super) fn forget_expiry(&mut self, user: UserId, id: ConnectionId) {
        self.expiry.looking.remove(&(user, id));
    }

    fn subscriber(&self, user: UserId, id: ConnectionId) -> Option<&Arc<Subscriber>> {
        self.people.get(&user)?.subscribers.iter().find(|subscriber| subscriber.id == id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn those_who_have_gone_are_forgotten_before_they_are_many() {
        let (mut expiry, now) = (Expiry::default(), Instant::now());
        for id in 0..100_000 {
            expiry.watch(now + Duration::from_secs(86_400), UserId(1), ConnectionId(id));
            expiry.sweep(10, |_, other| other.0 + 10 > id);
        }
        assert!(expiry.times.len() <= 2 * 10 + SPARE + 1, "{}", expiry.times.len());
        assert_eq!(expiry.due(now), None);
        assert!(expiry.due(now + Duration::from_secs(86_400)).is_some_and(|(_, id)| id.0 >= 90_000));
    }
}
