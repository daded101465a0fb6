//! Orders to close connections, and the memory of the latest ones.
//!
//! Between the moment at which a token was found good and the moment at which its connection is known
//! here, the session may end. Such a connection was not there to be closed when the order came; so orders
//! are remembered for as long as a connection may take to come in.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chat::{Order, UserId, sessions::Standing};

use crate::{Goodbye, queue::Listener};

/// With which goodbye a connection of this person must go; none if it is not concerned.
fn goodbye(order: &Order, listener: &Listener) -> Option<Goodbye> {
    match order {
        Order::SessionEnded { session, .. } => (listener.session == Some(*session)).then_some(Goodbye::SessionEnded),
        Order::SessionsEnded { except, .. } => {
            (except.is_none() || listener.session != *except).then_some(Goodbye::SessionEnded)
        }
        Order::Deactivated(_) => Some(Goodbye::Deactivated),
        // Connections keep the role they came with; they come back with the new one.
        Order::RoleChanged { .. } => Some(Goodbye::Restart(0)),
    }
}

/// With which goodbye a connection must go whose person stands like this; none if it may stay.
pub(crate) fn verdict(standing: &Standing, listener: &Listener) -> Option<Goodbye> {
    if !standing.active {
        return Some(Goodbye::Deactivated);
    }
    // Tokens of a host application have no session here, and bring a role of their own.
    let session = listener.session?;
    if !standing.live.contains_key(&session) {
        return Some(Goodbye::SessionEnded);
    }
    (standing.role != listener.role).then_some(Goodbye::Restart(0))
}

/// The orders of the last minutes.
pub(crate) struct Orders {
    recent: HashMap<UserId, Vec<(Instant, Order)>>,
    /// Whom another node wants to be looked at again, and when that was heard.
    nudged: HashMap<UserId, Instant>,
    kept: Duration,
    swept: Instant,
}

impl Orders {
    /// Remembers orders for at least this long.
    pub(crate) fn new(kept: Duration) -> Self {
        Self { recent: HashMap::new(), nudged: HashMap::new(), kept, swept: Instant::now() }
    }

    /// Closes those of these connections that an order concerns, and remembers it.
    pub(crate) fn obey<'a>(&mut self, order: &Order, listeners: impl Fn(UserId) -> &'a [std::sync::Arc<Listener>]) {
        let user = order.user();
        for listener in listeners(user) {
            if let Some(goodbye) = goodbye(order, listener) {
                listener.outbox.end(goodbye);
            }
        }
        let now = Instant::now();
        self.recent.entry(user).or_default().push((now, order.clone()));
        self.sweep(now);
    }

    /// Remembers that a person is to be looked at again.
    pub(crate) fn nudge(&mut self, user: UserId) {
        let now = Instant::now();
        self.nudged.insert(user, now);
        self.sweep(now);
    }

    /// Whether a connection comes in whose credential was found good before its person was to be looked at again.
    pub(crate) fn is_doubtful(&self, listener: &Listener) -> bool {
        self.nudged.get(&listener.user).is_some_and(|heard| *heard >= listener.vouched_at)
    }

    fn sweep(&mut self, now: Instant) {
        if now.duration_since(self.swept) >= self.kept {
            self.swept = now;
            let kept = self.kept;
            self.recent.retain(|_, orders| {
                orders.retain(|(told, _)| now.duration_since(*told) < kept);
                !orders.is_empty()
            });
            self.nudged.retain(|_, heard| now.duration_since(*heard) < kept);
        }
    }

    /// The goodbye for a connection that comes in after an order that it should have heard.
    pub(crate) fn missed(&self, listener: &Listener) -> Option<Goodbye> {
        let orders = self.recent.get(&listener.user)?;
        orders.iter().filter(|(told, _)| *told >= listener.vouched_at).find_map(|(_, order)| goodbye(order, listener))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat::{ConnectionId, SessionId};
    use dialects::Dialect;

    use super::*;
    use crate::Outbox;

    fn listener(session: i64, vouched_at: Instant) -> Arc<Listener> {
        Arc::new(Listener {
            id: ConnectionId(1),
            user: UserId(7),
            username: "ann".into(),
            session: Some(SessionId(session)),
            role: chat::accounts::ServerRole::User,
            dialect: Dialect::NATIVE,
            vouched_at,
            good_until: vouched_at + Duration::from_secs(3_600),
            tuning: None,
            outbox: Arc::new(Outbox::new(1_000)),
        })
    }

    #[test]
    fn whoever_comes_late_hears_the_order_they_missed() {
        let mut orders = Orders::new(Duration::from_secs(60));
        let before = Instant::now();
        orders.obey(&Order::SessionEnded { user: UserId(7), session: SessionId(3) }, |_| &[]);
        assert_eq!(orders.missed(&listener(3, before)), Some(Goodbye::SessionEnded));
        // Another log-in, and one that was found good afterwards, are not meant.
        assert_eq!(orders.missed(&listener(4, before)), None);
        assert_eq!(orders.missed(&listener(3, Instant::now())), None);
        orders.obey(&Order::Deactivated(UserId(7)), |_| &[]);
        assert_eq!(orders.missed(&listener(4, before)), Some(Goodbye::Deactivated));
    }

    #[test]
    fn whoever_was_to_be_looked_at_again_is_looked_at_when_they_come_in() {
        let mut orders = Orders::new(Duration::from_secs(60));
        let before = Instant::now();
        orders.nudge(UserId(7));
        assert!(orders.is_doubtful(&listener(3, before)));
        assert!(!orders.is_doubtful(&listener(3, Instant::now())));
        let mut standing = Standing {
            active: true,
            role: chat::accounts::ServerRole::User,
            live: HashMap::from([(SessionId(3), Duration::from_secs(60))]),
        };
        assert_eq!(verdict(&standing, &listener(3, before)), None);
        assert_eq!(verdict(&standing, &listener(4, before)), Some(Goodbye::SessionEnded));
        standing.role = chat::accounts::ServerRole::Guest;
        assert_eq!(verdict(&standing, &listener(3, before)), Some(Goodbye::Restart(0)));
        standing.active = false;
        assert_eq!(verdict(&standing, &listener(3, before)), Some(Goodbye::Deactivated));
    }

    #[test]
    fn orders_are_forgotten_when_nobody_can_have_missed_them() {
        let mut orders = Orders::new(Duration::ZERO);
        for session in 0..10 {
            orders.obey(&Order::SessionEnded { user: UserId(session), session: SessionId(session) }, |_| &[]);
        }
        assert!(orders.recent.len() <= 1);
    }
}
