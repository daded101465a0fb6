//! Activity: who shows none on any device is away, without having to say so.
//!
//! A connection takes part once it has said that its person does something. From then on it counts as away whenever it
//! has not said so for a while. Connections that never do (programs, older clients) count as they always did.

use std::{collections::HashMap, time::Duration};

use chat::{ConnectionId, UserId};
use tokio::time::Instant;

use super::State;

/// How often is looked for those who have become away.
const CHECK: Duration = Duration::from_secs(1);

/// The connections that take part, and when they last said that their person does something.
pub(super) struct Activity {
    after: Duration,
    seen: HashMap<ConnectionId, (UserId, Instant)>,
    checked_at: Option<Instant>,
}

impl Activity {
    pub(super) fn new(away_minutes: i64) -> Self {
        let after = Duration::from_secs(60 * u64::try_from(away_minutes).unwrap_or(10));
        Self { after, seen: HashMap::new(), checked_at: None }
    }

    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.seen.remove(&id);
    }

    /// The connections that have been silent for too long since the last call.
    fn silent(&mut self, now: Instant) -> Vec<(UserId, ConnectionId)> {
        if self.checked_at.is_some_and(|at| now < at + CHECK) {
            return Vec::new();
        }
        self.checked_at = Some(now);
        let after = self.after;
        self.seen.extract_if(|_, (_, at)| *at + after <= now).map(|(id, (user, _))| (user, id)).collect()
    }
}

impl State {
    /// Notes that somebody does something on this connection.
    pub(super) fn show_activity(&mut self, user: UserId, id: ConnectionId) {
        let Some(person) = self.people.get_mut(&user) else { return };
        if !person.subscribers.iter().any(|subscriber| subscriber.id == id) {
            return;
        }
        self.activity.seen.insert(id, (user, Instant::now()));
        let before = person.idle.len();
        person.idle.retain(|idle| *idle != id);
        if person.idle.len() != before {
            self.note_presence(user);
        }
    }

    pub(super) fn on_tick_of_activity(&mut self, now: Instant) {
        for (user, id) in self.activity.silent(now) {
            if let Some(person) = self.people.get_mut(&user) {
                person.idle.push(id);
                self.note_presence(user);
            }
        }
    }
}
