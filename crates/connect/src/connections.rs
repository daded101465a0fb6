//! All connections of the server, and the bounds for each network address, so that nobody can use up what all share.
//!
//! A connection counts as unauthenticated until it is a socket with a known user. When there are too many of those, the
//! one that the server has waited for longest is closed, so that a new client that speaks is served. A connection whose
//! request is being worked on is never closed for this.

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chat::{Limits, network::Network};
use subscribers::Outbox;
use tokio::time::Instant;

use crate::peer::Peer;

/// When there are too many connections, one in this number of the waiting ones is closed at a time, so that a flood
/// costs little.
const AT_ONCE: usize = 32;
/// Connections of the operator's own listener, which has no sockets. Their file descriptors are reserved.
const OPERATOR: usize = 32;
/// Bytes of answers that may wait to be read: for one network address, and in all. A page of history may have
/// megabytes.
const UNREAD_PER_ADDRESS: u64 = 32 << 20;
const UNREAD: u64 = 128 << 20;
/// One in this number of places is reserved for requests and not used for sockets.
const KEPT_FROM_SOCKETS: usize = 8;

/// The bounds on the number of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// All that the system's file descriptors allow.
    pub open: usize,
    /// Sockets with a known user.
    pub authenticated: usize,
    /// All others, plain HTTP included.
    pub unauthenticated: usize,
    /// Unauthenticated ones of one network address.
    pub unauthenticated_per_address: usize,
    /// All of one network address, authenticated or not.
    pub per_address: usize,
}

impl Bounds {
    /// The configured bounds, reduced to what the system allows: `open` connections.
    #[must_use]
    pub fn new(limits: &Limits, open: usize) -> Self {
        let at_most = |limit: i64, most: usize| usize::try_from(limit).unwrap_or(usize::MAX).min(most).max(1);
        let unauthenticated = at_most(limits.unauthenticated_connections, open / 2);
        Self {
            open,
            authenticated: at_most(limits.connections, open - open / KEPT_FROM_SOCKETS),
            unauthenticated,
            unauthenticated_per_address: at_most(
                limits.unauthenticated_connections_per_address,
                unauthenticated - unauthenticated / 4,
            ),
            per_address: at_most(limits.connections_per_address, open - open / 4),
        }
    }
}

impl Bounds {
    /// How many unauthenticated connections there may be beside this number of authenticated sockets.
    fn unauthenticated_beside(&self, authenticated: usize) -> usize {
        self.unauthenticated.min(self.open.saturating_sub(authenticated))
    }
}

/// The connections of all listeners.
pub struct Connections {
    bounds: Bounds,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// The number given to the last connection.
    last: u64,
    /// Connections without an authenticated user.
    unauthenticated: HashMap<u64, Entry>,
    authenticated: usize,
    networks: HashMap<Network, Count>,
}

struct Entry {
    peer: Arc<Peer>,
    network: Network,
}

#[derive(Clone, Copy, Default)]
struct Count {
    unauthenticated: usize,
    authenticated: usize,
}

impl Connections {
    /// An empty table.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, table: Mutex::default() }
    }

    /// An empty table for the operator's own listener, so that unauthenticated clients, who cannot reach it, use none
    /// of its places.
    #[must_use]
    pub fn of_operator() -> Self {
        Self::new(Bounds {
            open: OPERATOR,
            authenticated: 0,
            unauthenticated: OPERATOR,
            unauthenticated_per_address: OPERATOR,
            per_address: OPERATOR,
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a connection. The bounds of a single `network` do not apply to a proxy's. If there are too many, some that
    /// the server waits for are closed to make room; `None` if it waits for none.
    pub(crate) fn admit(self: &Arc<Self>, network: Network, is_proxy: bool, now: Instant) -> Option<Seat> {
        let mut table = self.table();
        let count = table.count(network);
        let total = count.unauthenticated + count.authenticated;
        let is_crowded =
            count.unauthenticated >= self.bounds.unauthenticated_per_address || total >= self.bounds.per_address;
        let only = (is_crowded && !is_proxy).then_some(network);
        let is_full = table.unauthenticated.len() >= self.bounds.unauthenticated_beside(table.authenticated);
        if (only.is_some() || is_full) && table.make_room(only) == 0 {
            metrics::counter!("palabre_connections_closed_total", "reason" => "full").increment(1);
            return None;
        }
        table.last += 1;
        let number = table.last;
        let peer = Arc::new(Peer::new(now));
        table.insert(number, Entry { peer: peer.clone(), network });
        Some(Seat {
            number,
            peer,
            connections: self.clone(),
            place: Mutex::new(Place { network, authenticated: false }),
        })
    }

    /// Closes the connections whose time is over.
    pub(crate) fn check(&self, now: Instant) {
        for entry in self.table().unauthenticated.values() {
            entry.peer.check(now);
        }
    }

    /// Closes the connections that the server has waited for longest; false if it waits for none.
    pub(crate) fn make_room(&self) -> bool {
        self.table().make_room(None) > 0
    }
}

impl Connections {
    /// Closes connections that do not read their large answers, while unread answers take too much memory.
    pub(crate) fn bound_answers(&self) {
        let mut table = self.table();
        while let Some(number) = table.slowest_reader()
            && let Some(entry) = table.remove(number)
        {
            entry.peer.evict();
        }
    }
}

impl Table {
    /// The connection that has read nothing for longest, at the address with most unread bytes, if those are too many.
    fn slowest_reader(&self) -> Option<u64> {
        let mut waiting: HashMap<Network, u64> = HashMap::new();
        let mut dawdlers = Vec::new();
        for (number, entry) in &self.unauthenticated {
            let (bytes, since) = entry.peer.unread();
            *waiting.entry(entry.network).or_default() += bytes;
            dawdlers.extend(since.map(|since| (since, entry.network, *number)));
        }
        let (heaviest, bytes) = waiting.iter().max_by_key(|(_, bytes)| **bytes)?;
        if *bytes <= UNREAD_PER_ADDRESS && waiting.values().sum::<u64>() <= UNREAD {
            return None;
        }
        let of_it = dawdlers.into_iter().filter(|(_, network, _)| network == heaviest);
        of_it.min_by_key(|(since, ..)| *since).map(|(_, _, number)| number)
    }

    fn count(&self, network: Network) -> Count {
        self.networks.get(&network).copied().unwrap_or_default()
    }

    fn change(&mut self, network: Network, change: impl FnOnce(&mut Count)) {
        let count = self.networks.entry(network).or_default();
        change(count);
        if count.unauthenticated + count.authenticated == 0 {
            self.networks.remove(&network);
        }
    }

    fn insert(&mut self, number: u64, entry: Entry) {
        self.change(entry.network, |count| count.unauthenticated += 1);
        self.unauthenticated.insert(number, entry);
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.unauthenticated.remove(&number)?;
        self.change(entry.network, |count| count.unauthenticated = count.unauthenticated.saturating_sub(1));
        Some(entry)
    }

    /// Closes the connections that the server has waited for longest: of network `only`, or of the one that has most.
    /// Returns how many.
    fn make_room(&mut self, only: Option<Network>) -> usize {
        let waiting = self.unauthenticated.iter().filter(|(_, entry)| only.is_none_or(|only| only == entry.network));
        let mut waiting: Vec<_> = waiting
            .filter_map(|(number, entry)| {
                let since = entry.peer.wait().since()?;
                Some((Reverse(self.count(entry.network).unauthenticated), since, *number))
            })
            .collect();
        waiting.sort_unstable();
        let most = waiting.first().map(|(most, ..)| *most);
        waiting.retain(|(count, ..)| Some(*count) == most);
        waiting.truncate((waiting.len() / AT_ONCE).max(1));
        for (_, _, number) in &waiting {
            if let Some(entry) = self.remove(*number) {
                entry.peer.evict();
            }
        }
        waiting.len()
    }
}

/// A connection's place among all; it is free again when this is dropped.
pub(crate) struct Seat {
    number: u64,
    peer: Arc<Peer>,
    connections: Arc<Connections>,
    place: Mutex<Place>,
}

/// The network and the kind under which a connection is counted.
struct Place {
    network: Network,
    authenticated: bool,
}

impl Seat {
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the connection for this network from now on, after a proxy has named it. False if that network has too
    /// many, and the server waits for none of them.
    pub(crate) fn belongs_to(&self, network: Network) -> bool {
        let mut place = self.place();
        if place.network == network || place.authenticated {
            return true;
        }
        let mut table = self.connections.table();
        let is_crowded = table.count(network).unauthenticated >= self.connections.bounds.unauthenticated_per_address;
        if is_crowded && table.make_room(Some(network)) == 0 {
            return false;
        }
        if let Some(entry) = table.remove(self.number) {
            table.insert(self.number, Entry { network, ..entry });
            place.network = network;
        }
        true
    }

    /// Whether there is room for one more socket of its network. A handshake is refused otherwise;
    /// [`Seat::is_authenticated`] checks again when the client authenticates.
    pub(crate) fn may_become_socket(&self) -> bool {
        let network = self.place().network;
        self.connections.table().has_room(network, &self.connections.bounds)
    }

    /// Notes that the connection is a socket now; `outbox` gets the close reason if it must make room.
    pub(crate) fn is_socket(&self, outbox: &Arc<Outbox>) {
        self.peer.is_socket(Instant::now(), outbox);
    }

    /// Notes that a user has authenticated on the connection, so that it is not closed to make room. False if there is
    /// no room for one more of its network.
    #[must_use]
    pub(crate) fn is_authenticated(&self) -> bool {
        let mut place = self.place();
        if place.authenticated {
            return true;
        }
        let mut table = self.connections.table();
        if !table.has_room(place.network, &self.connections.bounds) {
            return false;
        }
        place.authenticated = true;
        table.remove(self.number);
        table.authenticated += 1;
        table.change(place.network, |count| count.authenticated += 1);
        true
    }

    /// Undoes [`Seat::is_authenticated`], because the user could not be attached.
    pub(crate) fn is_unauthenticated(&self) {
        let mut place = self.place();
        if std::mem::take(&mut place.authenticated) {
            let mut table = self.connections.table();
            table.leave(place.network);
            table.insert(self.number, Entry { peer: self.peer.clone(), network: place.network });
        }
    }

    /// Notes that the connection has sent its close frame, or was told to close: from now on it may be closed to make
    /// room.
    pub(crate) fn ends(&self, now: Instant) {
        self.peer.parts(now);
        self.is_unauthenticated();
    }
}

impl Table {
    /// Whether one more socket of this network may be authenticated.
    fn has_room(&self, network: Network, bounds: &Bounds) -> bool {
        self.authenticated < bounds.authenticated && self.count(network).authenticated < bounds.per_address
    }
}

impl Table {
    fn leave(&mut self, network: Network) {
        self.authenticated = self.authenticated.saturating_sub(1);
        self.change(network, |count| count.authenticated = count.authenticated.saturating_sub(1));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let place = self.place();
        let mut table = self.connections.table();
        if place.authenticated {
            table.leave(place.network);
        } else {
            table.remove(self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BOUNDS: Bounds =
        Bounds { open: 12, authenticated: 4, unauthenticated: 8, unauthenticated_per_address: 4, per_address: 6 };

    fn connections() -> Arc<Connections> {
        Arc::new(Connections::new(BOUNDS))
    }

    fn address(last: u8) -> Network {
        Network::of([10, 0, 0, last].into())
    }

    /// `count` connections of one address, one after another.
    fn crowd(connections: &Arc<Connections>, of: Network, count: u64, began: Instant) -> Vec<Seat> {
        (0..count).map(|at| connections.admit(of, false, began + Duration::from_millis(at)).unwrap()).collect()
    }

    fn gone(seats: &[Seat]) -> Vec<bool> {
        seats.iter().map(|seat| seat.peer.is_evicted()).collect()
    }

    #[test]
    fn the_connection_waited_for_longest_makes_room_for_one_of_the_same_address() {
        let (all, began) = (connections(), Instant::now());
        let seats = crowd(&all, address(1), 4, began);
        seats[0].peer.begins_request(false);
        let _new = all.admit(address(1), false, began + Duration::from_secs(1)).unwrap();
        assert_eq!(gone(&seats), [false, true, false, false], "what is worked on is not cut");
        assert!(all.admit(address(2), false, began).is_some());
    }

    #[test]
    fn a_new_connection_is_refused_while_all_others_are_being_served() {
        let (all, began) = (connections(), Instant::now());
        let mut seats = crowd(&all, address(1), 4, began);
        seats.iter().for_each(|seat| assert_eq!(seat.peer.begins_request(false), None));
        assert!(all.admit(address(1), false, began).is_none());
        seats.pop();
        assert!(all.admit(address(1), false, began).is_some());
    }

    #[test]
    fn the_address_with_most_connections_makes_room_on_a_full_server() {
        let (all, began) = (connections(), Instant::now());
        let few = crowd(&all, address(1), 2, began);
        let many = crowd(&all, address(2), 4, began + Duration::from_secs(1));
        let some = crowd(&all, address(3), 2, began);
        let _new = all.admit(address(4), false, began).unwrap();
        assert_eq!((gone(&few), gone(&some)), (vec![false; 2], vec![false; 2]));
        assert_eq!(gone(&many), [true, false, false, false]);
    }

    #[test]
    fn connections_of_a_proxy_count_for_the_addresses_it_names() {
        let (all, began) = (connections(), Instant::now());
        let proxy = address(9);
        let seats: Vec<Seat> = (0..6).map(|_| all.admit(proxy, true, began).unwrap()).collect();
        assert_eq!(gone(&seats), [false; 6]);
        for seat in &seats[..4] {
            seat.peer.begins_request(false);
            assert!(seat.belongs_to(address(1)));
        }
        assert_eq!(all.table().count(proxy).unauthenticated, 2);
        assert_eq!(all.table().count(address(1)).unauthenticated, 4);
        seats[4].peer.begins_request(false);
        assert!(!seats[4].belongs_to(address(1)), "four at a time are enough for one caller");
        assert!(seats[4].belongs_to(address(2)));
        seats[0].peer.has_answer(0, false);
        seats[0].peer.wrote_all(began);
        assert!(seats[5].belongs_to(address(1)), "one that is done makes room");
    }

    #[test]
    fn an_authenticated_socket_makes_no_room_but_is_counted() {
        let (all, began) = (connections(), Instant::now());
        let seats = crowd(&all, address(1), 4, began);
        assert!(seats.iter().all(Seat::is_authenticated));
        let others = crowd(&all, address(1), 2, began);
        assert_eq!(gone(&seats), [false; 4]);
        assert!(!others[0].may_become_socket(), "the server has as many sockets as it may have");
        let _new = all.admit(address(1), false, began + Duration::from_secs(1)).unwrap();
        assert_eq!(gone(&others), [true, false], "six of one address are enough");
        seats[0].ends(began);
        assert!(others[0].may_become_socket());
        assert!(all.admit(address(1), false, began).is_some());
        assert!(seats[0].peer.is_evicted(), "a close frame that is not answered is no reason to stay");
    }

    #[test]
    fn a_socket_whose_credential_is_being_verified_makes_no_room() {
        let (all, began) = (connections(), Instant::now());
        let seats = crowd(&all, address(1), 4, began);
        let outbox = Arc::new(Outbox::new(1));
        seats.iter().for_each(|seat| seat.peer.is_socket(began, &outbox));
        seats[..3].iter().for_each(|seat| seat.peer.has_credential());
        let _new = all.admit(address(1), false, began).unwrap();
        assert_eq!(gone(&seats), [false, false, false, true]);
        seats[1].peer.needs_credential(began);
        let _newer = all.admit(address(1), false, began).unwrap();
        assert_eq!(gone(&seats), [false, true, false, true], "it waits again");
    }

    #[test]
    fn a_socket_that_authenticates_when_no_room_is_left_is_refused() {
        let bounds = Bounds { authenticated: 3, per_address: 2, ..BOUNDS };
        let (all, began) = (Arc::new(Connections::new(bounds)), Instant::now());
        let mut seats = crowd(&all, address(1), 2, began);
        seats.extend(crowd(&all, address(2), 2, began));
        seats.push(all.admit(address(3), false, began).unwrap());
        assert!(seats.iter().all(Seat::may_become_socket), "all of them shake hands before anybody is known");
        let let_in: Vec<bool> = seats.iter().map(Seat::is_authenticated).collect();
        assert_eq!(let_in, [true, true, true, false, false]);
        assert!(seats[0].is_authenticated(), "once is enough");
        seats[0].is_unauthenticated();
        assert!(seats[4].is_authenticated() && !seats[0].is_authenticated());
        drop(seats);
        assert!(all.table().networks.is_empty());
    }

    #[test]
    fn unread_answers_are_bounded_by_their_bytes() {
        let (all, began) = (connections(), Instant::now());
        let (few, many) = (crowd(&all, address(1), 1, began), crowd(&all, address(2), 4, began));
        for (at, seat) in few.iter().chain(&many).enumerate() {
            seat.peer.begins_request(false);
            seat.peer.has_answer(UNREAD_PER_ADDRESS / 3, false);
            // The last of these connections is reading its answer.
            if at < 4 {
                seat.peer.wrote_nothing(began + Duration::from_secs(at as u64));
            }
        }
        all.bound_answers();
        assert_eq!((gone(&few), gone(&many)), (vec![false], vec![true, false, false, false]));
        many[1].peer.wrote_all(began);
        many[2].peer.begins_request(false);
        many[2].peer.has_answer(0, false);
        all.bound_answers();
        assert_eq!(gone(&many), [true, false, false, false], "what was taken takes no memory");
    }

    #[test]
    fn places_are_free_again() {
        let (all, began) = (connections(), Instant::now());
        let seats = crowd(&all, address(1), 4, began);
        assert!(seats[..2].iter().all(Seat::is_authenticated));
        seats[1].ends(began);
        seats[2].peer.evict();
        drop(seats);
        let table = all.table();
        assert!(table.unauthenticated.is_empty() && table.networks.is_empty());
        assert_eq!(table.authenticated, 0);
    }

    #[test]
    fn one_address_can_never_use_all_places() {
        let bounds = Bounds::new(&Limits::default(), 1_000);
        assert_eq!(bounds.unauthenticated, 500);
        assert_eq!((bounds.unauthenticated_per_address, bounds.per_address), (375, 750));
        let large = Bounds::new(&Limits::default(), 1_000_000);
        assert_eq!((large.authenticated, large.unauthenticated), (100_000, 4_096));
        assert_eq!((large.unauthenticated_per_address, large.per_address), (512, 10_000));
    }
}
