//! Revocations close connections. The recent ones are remembered.
//!
//! A session may end after its token was verified and before its connection has reached the hub. Such a connection
//! could not be closed when the revocation came; so revocations are remembered for as long as a connection may be on
//! its way.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chat::{Revocation, UserId, sessions::Standing};

use crate::{CloseReason, queue::Subscriber};

/// The reason with which a revocation closes this connection of its person; `None` if it does not concern it.
fn close_reason(revocation: &Revocation, subscriber: &Subscriber) -> Option<CloseReason> {
    match revocation {
        Revocation::SessionEnded { session, .. } => {
            (subscriber.session == Some(*session)).then_some(CloseReason::SessionEnded)
        }
        Revocation::SessionsEnded { except, .. } => {
            (except.is_none() || subscriber.session != *except).then_some(CloseReason::SessionEnded)
        }
        Revocation::Deactivated(_) => Some(CloseReason::Deactivated),
        // An open connection keeps its role; the client reconnects to get the new one.
        Revocation::RoleChanged { .. } => Some(CloseReason::Restart(0)),
    }
}

/// The reason with which a connection must be closed when its person's standing is this; `None` if it may stay.
pub(crate) fn verdict(standing: &Standing, subscriber: &Subscriber) -> Option<CloseReason> {
    if !standing.active {
        return Some(CloseReason::Deactivated);
    }
    // A host application's token has no session here, and carries a role of its own.
    let session = subscriber.session?;
    if !standing.live.contains_key(&session) {
        return Some(CloseReason::SessionEnded);
    }
    (standing.role != subscriber.role).then_some(CloseReason::Restart(0))
}

/// The recent revocations.
pub(crate) struct Revocations {
    recent: HashMap<UserId, Vec<(Instant, Revocation)>>,
    /// People whom another node wants to be rechecked, and when that was heard.
    invalidated: HashMap<UserId, Instant>,
    kept: Duration,
    swept: Instant,
}

impl Revocations {
    /// Remembers revocations for at least `kept`.
    pub(crate) fn new(kept: Duration) -> Self {
        Self { recent: HashMap::new(), invalidated: HashMap::new(), kept, swept: Instant::now() }
    }

    /// Closes those of the person's connections that a revocation concerns, and remembers it.
    pub(crate) fn obey<'a>(
        &mut self,
        revocation: &Revocation,
        subscribers: impl Fn(UserId) -> &'a [std::sync::Arc<Subscriber>],
    ) {
        let user = revocation.user();
        for subscriber in subscribers(user) {
            if let Some(close_reason) = close_reason(revocation, subscriber) {
                subscriber.outbox.end(close_reason);
            }
        }
        let now = Instant::now();
        self.recent.entry(user).or_default().push((now, revocation.clone()));
        self.sweep(now);
    }

    /// Remembers that a person must be rechecked.
    pub(crate) fn invalidation(&mut self, user: UserId) {
        let now = Instant::now();
        self.invalidated.insert(user, now);
        self.sweep(now);
    }

    /// True if the credential was verified before the last revocation notice for this user.
    pub(crate) fn is_doubtful(&self, subscriber: &Subscriber) -> bool {
        self.invalidated.get(&subscriber.user).is_some_and(|heard| *heard >= subscriber.vouched_at)
    }

    fn sweep(&mut self, now: Instant) {
        if now.duration_since(self.swept) >= self.kept {
            self.swept = now;
            let kept = self.kept;
            self.recent.retain(|_, revocations| {
                revocations.retain(|(told, _)| now.duration_since(*told) < kept);
                !revocations.is_empty()
            });
            self.invalidated.retain(|_, heard| now.duration_since(*heard) < kept);
        }
    }

    /// The close reason for a new connection that a remembered revocation concerns.
    pub(crate) fn missed(&self, subscriber: &Subscriber) -> Option<CloseReason> {
        let revocations = self.recent.get(&subscriber.user)?;
        revocations
            .iter()
            .filter(|(told, _)| *told >= subscriber.vouched_at)
            .find_map(|(_, revocation)| close_reason(revocation, subscriber))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat::{ConnectionId, SessionId};
    use dialects::Dialect;

    use super::*;
    use crate::Outbox;

    fn subscriber(session: i64, vouched_at: Instant) -> Arc<Subscriber> {
        Arc::new(Subscriber {
            id: ConnectionId(1),
            user: UserId(7),
            username: "ann".into(),
            session: Some(SessionId(session)),
            role: chat::accounts::ServerRole::User,
            dialect: Dialect::NATIVE,
            gathers: false,
            vouched_at,
            good_until: vouched_at + Duration::from_secs(3_600),
            tuning: None,
            outbox: Arc::new(Outbox::new(1_000)),
        })
    }

    #[test]
    fn a_late_connection_is_closed_by_the_revocation_it_missed() {
        let mut revocations = Revocations::new(Duration::from_secs(60));
        let before = Instant::now();
        revocations.obey(&Revocation::SessionEnded { user: UserId(7), session: SessionId(3) }, |_| &[]);
        assert_eq!(revocations.missed(&subscriber(3, before)), Some(CloseReason::SessionEnded));
        // Another session, or a credential that was verified afterwards, is not concerned.
        assert_eq!(revocations.missed(&subscriber(4, before)), None);
        assert_eq!(revocations.missed(&subscriber(3, Instant::now())), None);
        revocations.obey(&Revocation::Deactivated(UserId(7)), |_| &[]);
        assert_eq!(revocations.missed(&subscriber(4, before)), Some(CloseReason::Deactivated));
    }

    #[test]
    fn a_connection_verified_before_a_notice_is_rechecked_when_it_attaches() {
        let mut revocations = Revocations::new(Duration::from_secs(60));
        let before = Instant::now();
        revocations.invalidation(UserId(7));
        assert!(revocations.is_doubtful(&subscriber(3, before)));
        assert!(!revocations.is_doubtful(&subscriber(3, Instant::now())));
        let mut standing = Standing {
            active: true,
            role: chat::accounts::ServerRole::User,
            live: HashMap::from([(SessionId(3), Duration::from_secs(60))]),
        };
        assert_eq!(verdict(&standing, &subscriber(3, before)), None);
        assert_eq!(verdict(&standing, &subscriber(4, before)), Some(CloseReason::SessionEnded));
        standing.role = chat::accounts::ServerRole::Guest;
        assert_eq!(verdict(&standing, &subscriber(3, before)), Some(CloseReason::Restart(0)));
        standing.active = false;
        assert_eq!(verdict(&standing, &subscriber(3, before)), Some(CloseReason::Deactivated));
    }

    #[test]
    fn revocations_are_forgotten_when_no_connection_can_have_missed_them() {
        let mut revocations = Revocations::new(Duration::ZERO);
        for session in 0..10 {
            revocations.obey(&Revocation::SessionEnded { user: UserId(session), session: SessionId(session) }, |_| &[]);
        }
        assert!(revocations.recent.len() <= 1);
    }
}
