//! Presence: recorded by the hub, and readable by everybody.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use chat::{
    ConnectionId, Millis, SessionId, UserId,
    presence::{Presence, Seen},
};
use stream::{People, people::LEASE};
use tokio::time::Instant;

/// The presence of everybody who is connected, here or on another node, or was a moment ago.
#[derive(Default)]
pub struct Book {
    state: Mutex<State>,
}

/// Of what a presence is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The person, wherever they are. Said on a connection, that they are away is of this one alone: they may be looking
    /// at another.
    Person(Option<ConnectionId>),
    /// One of their connections.
    Connection(ConnectionId),
    /// The only connection of one of their log-ins (none stands for the tokens of a host application) among those of the
    /// clients of one system. Where there are several, or one was closed a moment ago, of which this may have been said,
    /// only that they are online is noted, and of all of them.
    Session(Option<SessionId>, &'static str),
}

#[derive(Default)]
struct State {
    here: HashMap<UserId, Presence>,
    nodes: HashMap<i64, Node>,
}

/// The people of another node, valid until its lease ends.
struct Node {
    version: u64,
    until: Instant,
    people: HashMap<UserId, Presence>,
    /// The presence that they have chosen, and when.
    chosen: HashMap<UserId, (Presence, Millis)>,
}

impl State {
    fn elsewhere(&self, user: UserId) -> Presence {
        let told = self.nodes.values().filter_map(|node| node.people.get(&user).copied());
        told.min_by_key(|presence| rank(*presence)).unwrap_or_default()
    }
}

/// The most present comes first: somebody who is online on one device is online.
fn rank(presence: Presence) -> usize {
    Presence::ALL.iter().position(|one| *one == presence).unwrap_or(Presence::ALL.len())
}

/// The presence of somebody who has these two on two nodes.
pub(crate) fn merged(one: Presence, other: Presence) -> Presence {
    if rank(one) <= rank(other) { one } else { other }
}

impl Book {
    /// A person's presence as others see it. When a disconnected person was last seen, only the store knows.
    #[must_use]
    pub fn look_up(&self, user: UserId) -> Seen {
        let state = self.lock();
        let here = state.here.get(&user).copied().unwrap_or_default();
        Seen { presence: merged(here, state.elsewhere(user)).shown(), last_seen_at: None }
    }

    pub(crate) fn note(&self, user: UserId, presence: Presence) {
        let mut state = self.lock();
        if presence == Presence::Offline {
            state.here.remove(&user);
        } else {
            state.here.insert(user, presence);
        }
    }

    /// A person's presence on other nodes.
    pub(crate) fn elsewhere(&self, user: UserId) -> Presence {
        self.lock().elsewhere(user)
    }

    /// The latest choice of how to be shown that a person has made on another node.
    pub(crate) fn chosen_elsewhere(&self, user: UserId) -> Option<(Presence, Millis)> {
        let state = self.lock();
        state.nodes.values().filter_map(|node| node.chosen.get(&user).copied()).max_by_key(|(_, at)| *at)
    }

    /// Everybody who is connected here.
    pub(crate) fn here(&self) -> Vec<(UserId, Presence)> {
        self.lock().here.iter().map(|(user, presence)| (*user, *presence)).collect()
    }

    /// The other nodes that are heard.
    #[must_use]
    pub fn heard(&self) -> Vec<i64> {
        self.lock().nodes.keys().copied().collect()
    }

    /// The number of other nodes that are heard.
    pub(crate) fn nodes(&self) -> usize {
        self.lock().nodes.len()
    }

    /// Takes another node's statement; false if an earlier one was missed, so that all of its people must be asked for.
    pub(crate) fn hear(&self, node: i64, word: People, now: Instant) -> bool {
        let mut state = self.lock();
        let until = now + LEASE;
        let there = |people: Vec<(UserId, Presence)>| people.into_iter().filter(|(_, p)| *p != Presence::Offline);
        let chosen = word.chosen.into_iter().map(|(user, presence, at)| (user, (presence, at)));
        if word.all {
            let (people, chosen) = (there(word.people).collect(), chosen.collect());
            state.nodes.insert(node, Node { version: word.version, until, people, chosen });
            return true;
        }
        let Some(known) = state.nodes.get_mut(&node) else { return false };
        known.until = until;
        if word.people.is_empty() {
            return known.version == word.version;
        }
        if word.version != known.version + 1 {
            return false;
        }
        known.version = word.version;
        known.chosen.extend(chosen);
        for (user, presence) in word.people {
            if presence == Presence::Offline {
                known.people.remove(&user);
                known.chosen.remove(&user);
            } else {
                known.people.insert(user, presence);
            }
        }
        true
    }

    /// Removes the nodes whose lease has ended; returns the people who have gone with them.
    pub(crate) fn expire(&self, now: Instant) -> Vec<UserId> {
        let mut state = self.lock();
        let ended: HashSet<UserId> =
            state.nodes.extract_if(|_, node| node.until <= now).flat_map(|(_, node)| node.people.into_keys()).collect();
        let is_there = |user: &UserId| state.here.contains_key(user) || state.elsewhere(*user) != Presence::Offline;
        ended.into_iter().filter(|user| !is_there(user)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The presence of somebody who has just been here, as others see it.
pub(crate) fn seen(presence: Presence, hidden: bool, now: Millis) -> Seen {
    let gone = presence.shown() == Presence::Offline && !hidden;
    Seen { presence: presence.shown(), last_seen_at: gone.then_some(now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    fn word(version: u64, all: bool, people: &[(UserId, Presence)]) -> People {
        People { version, all, people: people.to_vec(), ..People::default() }
    }

    #[test]
    fn the_most_present_of_several_nodes_is_shown() {
        let (book, now) = (Book::default(), Instant::now());
        let shown = |user| book.look_up(user).presence;
        assert!(!book.hear(7, word(3, false, &[]), now), "nothing is known of it yet");
        assert!(book.hear(7, word(3, true, &[(ANN, Presence::Away), (BOB, Presence::Online)]), now));
        assert_eq!((shown(ANN), shown(BOB)), (Presence::Away, Presence::Online));
        book.note(ANN, Presence::Online);
        assert_eq!(shown(ANN), Presence::Online);
        book.note(ANN, Presence::Invisible);
        assert_eq!(shown(ANN), Presence::Away);
        assert!(book.hear(7, word(4, false, &[(ANN, Presence::Offline)]), now));
        assert_eq!(shown(ANN), Presence::Offline);
        assert!(!book.hear(7, word(6, false, &[(BOB, Presence::Busy)]), now), "a word was missed");
        assert!(!book.hear(7, word(5, false, &[]), now), "a word was missed");
    }

    #[test]
    fn nobody_stays_online_after_their_node_has_died() {
        let (book, now) = (Book::default(), Instant::now());
        book.note(ANN, Presence::Online);
        assert!(book.hear(7, word(1, true, &[(ANN, Presence::Online), (BOB, Presence::Online)]), now));
        assert!(book.hear(7, word(1, false, &[]), now + LEASE / 2));
        assert!(book.expire(now + LEASE).is_empty());
        assert_eq!(book.nodes(), 1);
        assert_eq!(book.expire(now + LEASE * 2), [BOB]);
        assert_eq!((book.nodes(), book.look_up(BOB).presence), (0, Presence::Offline));
    }
}
