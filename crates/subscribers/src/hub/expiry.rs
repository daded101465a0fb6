//! Closes connections whose credential has ended: a host application's token at its expiry, a session when it was not
//! used for too long or has lasted as long as a session may.
//!
//! One heap for all connections, checked with each tick, so that no connection needs a timer of its own for it.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
    sync::Arc,
};

use chat::{ConnectionId, UserId, sessions::Standing};
use tokio::time::Instant;

use super::State;
use crate::{CloseReason, queue::Subscriber};

/// Times of closed connections that may stay in the heap in any case; when there are more, they are swept out.
const SPARE: usize = 1_024;

/// The times at which the credentials of connections end.
#[derive(Default)]
pub(super) struct Expiry {
    times: BinaryHeap<Reverse<(Instant, UserId, ConnectionId)>>,
    /// Connections whose session is being checked, because it should have ended unless it was used.
    looking: HashSet<(UserId, ConnectionId)>,
}

impl Expiry {
    fn watch(&mut self, at: Instant, user: UserId, id: ConnectionId) {
        self.times.push(Reverse((at, user, id)));
    }

    /// The next connection whose time has come.
    fn due(&mut self, now: Instant) -> Option<(UserId, ConnectionId)> {
        let Reverse((at, ..)) = self.times.peek()?;
        if *at > now {
            return None;
        }
        self.times.pop().map(|Reverse((_, user, id))| (user, id))
    }

    /// Removes the times of closed connections once they outnumber the open ones.
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

    /// Closes the connections whose token has expired, and checks the sessions that should have ended.
    pub(super) fn on_tick_of_expiry(&mut self, now: Instant) {
        let mut doubtful = HashSet::new();
        while let Some((user, id)) = self.expiry.due(now) {
            let Some(subscriber) = self.subscriber(user, id) else { continue };
            if subscriber.session.is_some() {
                // The session may have been used since.
                self.expiry.looking.insert((user, id));
                doubtful.insert(user);
            } else {
                subscriber.outbox.end(CloseReason::TokenExpired);
            }
        }
        for user in doubtful {
            self.recheck_standing(user);
        }
    }

    /// Takes the result of a check: sessions that go on are rechecked when they should end.
    pub(super) fn watch_live_sessions(&mut self, subscribers: &[Arc<Subscriber>], standing: &Standing, now: Instant) {
        for subscriber in subscribers {
            let place = (subscriber.user, subscriber.id);
            if let Some(left) = subscriber.session.and_then(|session| standing.live.get(&session))
                && self.expiry.looking.remove(&place)
            {
                self.expiry.watch(now + *left, subscriber.user, subscriber.id);
            }
        }
    }

    /// Forgets a connection that has gone.
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
    fn times_of_closed_connections_are_swept_out() {
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
