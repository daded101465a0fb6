//! Who is here: what the hub notes, and everybody may look up.

use std::{collections::HashMap, sync::Mutex};

use chat::{
    Millis, UserId,
    presence::{Presence, Seen},
};

/// The presence of everybody who is connected, or was a moment ago.
#[derive(Default)]
pub struct Book {
    people: Mutex<HashMap<UserId, Presence>>,
}

impl Book {
    /// How a person is shown to others. When somebody who is not here was last seen, the store knows.
    #[must_use]
    pub fn look_up(&self, user: UserId) -> Seen {
        let presence = self.lock().get(&user).copied().unwrap_or_default();
        Seen { presence: presence.shown(), last_seen_at: None }
    }

    pub(crate) fn note(&self, user: UserId, presence: Presence) {
        let mut people = self.lock();
        if presence == Presence::Offline {
            people.remove(&user);
        } else {
            people.insert(user, presence);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, Presence>> {
        self.people.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How somebody who has just been here is shown.
pub(crate) fn seen(presence: Presence, hidden: bool, now: Millis) -> Seen {
    let gone = presence.shown() == Presence::Offline && !hidden;
    Seen { presence: presence.shown(), last_seen_at: gone.then_some(now) }
}
