//! The queue for hashing passwords, in which networks and people take turns.
//!
//! A hash costs a core for some twenty milliseconds, so an unauthenticated client with hundreds of connections could
//! make everybody else wait. Therefore each network has one place in the round, however many of its requests wait; and
//! a person on a network where they have logged in before is in a round apart from unknown ones.

use chat::{UserId, network::Network};
use store::turns::Round;

/// The most requests that wait. They are worked off in some three seconds on two cores; more are refused.
pub(crate) const WAITING: usize = 256;
/// The most requests that wait for one account, from networks that it has not been used from.
const OF_ACCOUNT: usize = 16;

/// The unit that has one place in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Share {
    /// All unknown clients of one network.
    Network(Network),
    /// Somebody who claims to be this person, on a network where that person has logged in before, or with their
    /// session.
    Person(UserId),
    /// The operator, at the command line.
    Operator,
}

/// A request for a turn.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub share: Share,
    /// The account that is tried, in a form of fixed length.
    pub account: Option<String>,
}

/// The waiting requests. `T` wakes one of them.
pub(crate) struct Queue<T> {
    strangers: Round<Share, Waiting<T>>,
    known: Round<Share, Waiting<T>>,
    /// Whether an unknown client had the last turn: the two rounds alternate.
    stranger_was_last: bool,
    next_ticket: u64,
    /// The most requests that may wait.
    most: usize,
}

struct Waiting<T> {
    ticket: u64,
    account: Option<String>,
    waker: T,
}

impl<T> Queue<T> {
    /// A queue for `most` waiting requests, but no more than [`WAITING`].
    pub(crate) fn new(most: usize) -> Self {
        let (strangers, known) = (Round::default(), Round::default());
        Self { strangers, known, stranger_was_last: false, next_ticket: 0, most: most.clamp(2, WAITING) }
    }

    /// Waits, and returns the ticket with which to leave. If the queue is full, the newest request of the share with
    /// most of them is refused: its waker is dropped. If that is this request, it gets no ticket.
    pub(crate) fn enter(&mut self, visitor: Visitor, waker: T) -> Option<u64> {
        let Visitor { share, account } = visitor;
        let own = self.round(share).of(share);
        // At least two networks must be able to wait.
        if own >= self.most / 2
            || (matches!(share, Share::Network(_)) && tries(&self.strangers, &account) >= OF_ACCOUNT)
        {
            return None;
        }
        if self.strangers.count() + self.known.count() >= self.most && !self.make_room(share, own) {
            return None;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.round(share).push(share, Waiting { ticket, account, waker });
        Some(ticket)
    }

    /// Refuses the newest request of the fullest share, if that then still has as many as the asking share, or if an
    /// unknown client makes room for a known person.
    fn make_room(&mut self, asking: Share, own: usize) -> bool {
        // Among equals, an unknown client.
        let fullest = self.known.fullest().into_iter().chain(self.strangers.fullest()).max_by_key(|(_, count)| *count);
        let Some((share, most)) = fullest else { return false };
        let privileged = matches!(share, Share::Network(_)) && !matches!(asking, Share::Network(_));
        let yields = most > own + usize::from(!privileged);
        if yields {
            self.round(share).pop_newest(share);
        }
        yields
    }

    /// Leaves without a turn.
    pub(crate) fn leave(&mut self, share: Share, ticket: u64) {
        self.round(share).retain(share, |waiting| waiting.ticket != ticket);
    }

    /// The next request whose turn it is.
    pub(crate) fn next(&mut self) -> Option<T> {
        let (first, second) = match self.stranger_was_last {
            true => (&mut self.known, &mut self.strangers),
            false => (&mut self.strangers, &mut self.known),
        };
        let (waiting, from_first) = match first.take() {
            Some(waiting) => (waiting, true),
            None => (second.take()?, false),
        };
        self.stranger_was_last ^= from_first;
        Some(waiting.waker)
    }

    fn round(&mut self, share: Share) -> &mut Round<Share, Waiting<T>> {
        match share {
            Share::Network(_) => &mut self.strangers,
            Share::Person(_) | Share::Operator => &mut self.known,
        }
    }
}

/// How many requests try this account; 0 without an account.
fn tries<T>(round: &Round<Share, Waiting<T>>, account: &Option<String>) -> usize {
    if account.is_none() {
        return 0;
    }
    round.all().filter(|waiting| waiting.account == *account).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Share {
        Share::Network(Network::of([192, 0, 2, last].into()))
    }

    fn stranger(last: u8, account: &str) -> Visitor {
        Visitor { share: network(last), account: Some(account.to_owned()) }
    }

    fn round(queue: &mut Queue<String>) -> Vec<String> {
        std::iter::from_fn(|| queue.next()).collect()
    }

    #[test]
    fn another_network_is_next_however_many_requests_one_sends() {
        let mut queue = Queue::new(WAITING);
        for name in 0..300 {
            queue.enter(stranger(1, &format!("invented {name}")), "attack".to_owned());
        }
        queue.enter(stranger(2, "ann"), "ann".to_owned()).expect("there is room for another network");
        queue.enter(stranger(3, "bob"), "bob".to_owned()).expect("there is room for another network");
        let turns = round(&mut queue);
        assert_eq!(turns.len(), WAITING / 2 + 2, "one network fills half of it");
        assert_eq!(turns.iter().take(3).collect::<Vec<_>>(), ["attack", "ann", "bob"]);
    }

    #[test]
    fn a_full_queue_refuses_the_newest_request_of_the_fullest_network() {
        let mut queue = Queue::new(WAITING);
        for at in 0..WAITING {
            let last = if at < 100 { 1 } else { u8::try_from(at % 100 + 2).unwrap() };
            queue.enter(stranger(last, &at.to_string()), at.to_string()).expect("not full yet");
        }
        assert!(queue.enter(stranger(1, "more"), "of the fullest".into()).is_none());
        assert!(queue.enter(stranger(200, "ann"), "ann".into()).is_some());
        let turns = round(&mut queue);
        assert_eq!(turns.len(), WAITING);
        assert!(turns.contains(&"ann".to_owned()) && !turns.contains(&"99".to_owned()), "the newest of it");
    }

    #[test]
    fn a_known_person_waits_for_one_unknown_client_at_most() {
        let mut queue = Queue::new(WAITING);
        for last in 0..=255 {
            queue.enter(stranger(last, &last.to_string()), "attack".to_owned());
        }
        let known = Visitor { share: Share::Person(UserId(7)), account: Some("ann".into()) };
        queue.enter(known, "ann".into()).expect("a stranger makes room");
        let turns = round(&mut queue);
        assert!(turns.iter().position(|turn| turn == "ann").is_some_and(|at| at <= 1));
    }

    #[test]
    fn attempts_at_one_account_are_bounded_and_its_owner_does_not_count() {
        let mut queue = Queue::new(WAITING);
        let entered =
            (0..100).filter(|last| queue.enter(stranger(*last, "ann"), "attack".to_owned()).is_some()).count();
        assert_eq!(entered, OF_ACCOUNT);
        let owner = Visitor { share: Share::Person(UserId(7)), account: Some("ann".into()) };
        assert!(queue.enter(owner, "ann".into()).is_some());
        assert!(queue.enter(stranger(1, "bob"), "bob".into()).is_some());
    }

    #[test]
    fn one_network_gets_half_of_a_small_queue() {
        let mut queue = Queue::new(10);
        let entered = (0..20).filter(|name| queue.enter(stranger(1, &name.to_string()), String::new()).is_some());
        assert_eq!(entered.count(), 5);
        let others = (2..20).filter(|last| queue.enter(stranger(*last, &last.to_string()), String::new()).is_some());
        assert_eq!(others.count(), 9, "the fullest makes room until all have one");
        assert_eq!(round(&mut queue).len(), 10);
    }

    #[test]
    fn a_request_that_leaves_frees_its_place() {
        let mut queue = Queue::new(WAITING);
        let ticket = queue.enter(stranger(1, "ann"), "left".to_owned()).expect("room");
        queue.enter(stranger(2, "bob"), "stays".to_owned()).expect("room");
        queue.leave(network(1), ticket);
        queue.leave(network(1), ticket);
        assert_eq!(round(&mut queue), ["stays"]);
        assert_eq!(queue.strangers.count() + queue.known.count(), 0);
        assert_eq!(queue.strangers.of(network(1)) + queue.strangers.of(network(2)), 0);
    }
}
