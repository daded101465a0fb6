//! Limits guessing: failed log-ins are counted by account and network, by network, and by account; registrations by
//! network. All times are of a monotonic clock, so that a changed system clock locks nobody out.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chat::{Error, Limits, Result, UserId, network::Network, rates::Try};

use crate::tokens::digest;

/// A time since the engine was started.
pub(crate) type Moment = Duration;

const LOGIN_WINDOW: Duration = Duration::from_secs(5 * 60);
const ACCOUNT_WINDOW: Duration = Duration::from_secs(60 * 60);
const REGISTRATION_WINDOW: Duration = Duration::from_secs(60 * 60);
/// More keys than this mean an attack; then the oldest are forgotten first.
const KEYS: usize = 100_000;
/// The most attempts that are kept between two reports, which are sent four times a second; each attempt costs the hash
/// of a password.
const TOLD: usize = 1_000;
/// When to try again if only attempts that are still under way are in the way.
const SOON: Duration = Duration::from_secs(1);

pub(crate) struct Throttle {
    /// Failed log-ins of one account from one network.
    pairs: Window,
    /// Failed log-ins from one network, whatever the account.
    networks: Window,
    /// Failed log-ins of one account, from anywhere.
    accounts: Window,
    registrations: Window,
    /// Attempts here since they were last reported to other nodes; `None` if there are none.
    spent: Option<Mutex<Vec<Try>>>,
    /// The number of nodes that share the limits without hearing each other; 1 while they do hear each other.
    nodes: AtomicUsize,
}

/// An attempt to log in: the account and the network.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    pair: String,
    /// The network, and the account; `None` for somebody with a session of that account.
    apart: Option<(String, String)>,
}

impl Guess {
    /// A log-in. `account` is the input, normalised as for the look-up: the limits must not reveal whether there is
    /// such an account.
    pub(crate) fn log_in(account: &str, network: Network) -> Self {
        // The digest bounds the length, whatever somebody types; and reports to other nodes contain no names.
        let pair = digest(&format!("{account}\0{network}"));
        Self { pair, apart: Some((network.to_string(), digest(account))) }
    }

    /// A change of the own password.
    pub(crate) fn change(user: UserId) -> Self {
        Self { pair: digest(&format!("change of {user}")), apart: None }
    }

    /// The account that is tried, in a form of fixed length.
    pub(crate) fn account(&self) -> Option<&str> {
        self.apart.as_ref().map(|(_, account)| &**account)
    }

    /// The form for other nodes, as one text.
    fn told(&self) -> Try {
        let Self { pair, apart } = self;
        Try::LogIn(match apart {
            Some((network, account)) => format!("{pair} {network} {account}"),
            None => pair.clone(),
        })
    }
}

impl Throttle {
    pub(crate) fn new(limits: &Limits, shared: bool) -> Self {
        Self {
            pairs: Window::new(limits.login_attempts, LOGIN_WINDOW),
            networks: Window::new(limits.login_attempts_per_address, LOGIN_WINDOW),
            accounts: Window::new(limits.login_attempts_per_account, ACCOUNT_WINDOW),
            registrations: Window::new(limits.registrations_per_hour, REGISTRATION_WINDOW),
            spent: shared.then(Mutex::default),
            nodes: AtomicUsize::new(1),
        }
    }

    /// Refuses at once if [`Throttle::begin`] would refuse because of earlier attempts.
    ///
    /// # Errors
    /// `rate_limited`, with when to try again.
    pub(crate) fn check(&self, guess: &Guess, known: bool, now: Moment) -> Result<()> {
        let nodes = self.nodes();
        self.windows(guess, known).try_for_each(|(window, key)| window.check(key, nodes, now)).map_err(refused)
    }

    /// Begins an attempt. Refuses if this account was tried too often from this network. Unless the account is known to
    /// be used from the network, it also refuses if there were too many attempts from the network, or for the account
    /// from anywhere. So nobody can lock a person who logs in by username out of networks where they have been before;
    /// with a mail address nobody is known. The attempt counts from its beginning, so that many at once are no better
    /// than many in a row.
    ///
    /// # Errors
    /// `rate_limited`, with when to try again.
    pub(crate) fn begin(&self, guess: Guess, known: bool, now: Moment) -> Result<Attempt<'_>> {
        self.check(&guess, known, now)?;
        let nodes = self.nodes();
        let mut begun: Vec<(&Window, &str)> = Vec::with_capacity(3);
        for (window, key) in self.windows(&guess, known) {
            if let Err(wait) = window.begin(key, nodes, now) {
                begun.iter().for_each(|(window, key)| window.end(key, false, now));
                return Err(refused(wait));
            }
            begun.push((window, key));
        }
        Ok(Attempt { throttle: self, guess, known, at: now, failed: false })
    }

    /// The windows that a guess counts in, with the keys. A known account is limited by the pair alone.
    fn windows<'a>(&'a self, guess: &'a Guess, known: bool) -> impl Iterator<Item = (&'a Window, &'a str)> {
        let apart = guess.apart.iter().filter(move |_| !known);
        let apart = apart.flat_map(|(network, account)| [(&self.networks, &**network), (&self.accounts, &**account)]);
        std::iter::once((&self.pairs, &*guess.pair)).chain(apart)
    }

    pub(crate) fn register(&self, network: Network, now: Moment) -> Result<()> {
        let key = network.to_string();
        self.registrations.begin(&key, self.nodes(), now).map_err(|wait| limited("registrations", wait))?;
        self.registrations.end(&key, true, now);
        self.note(Try::Registration(key));
        Ok(())
    }

    fn note(&self, one: Try) {
        if let Some(mut spent) = self.spent.as_ref().and_then(|spent| spent.lock().ok())
            && spent.len() < TOLD
        {
            spent.push(one);
        }
    }

    /// The attempts since the last call.
    pub(crate) fn spent(&self) -> Vec<Try> {
        let spent = self.spent.as_ref().and_then(|spent| spent.lock().ok());
        spent.map(|mut spent| std::mem::take(&mut *spent)).unwrap_or_default()
    }

    /// Counts attempts on another node.
    pub(crate) fn note_spent(&self, tries: Vec<Try>, now: Moment) {
        for one in tries {
            match one {
                Try::LogIn(told) => {
                    let windows = [&self.pairs, &self.networks, &self.accounts];
                    // A node of the version before sends the pair alone.
                    for (window, key) in windows.into_iter().zip(told.split(' ')) {
                        window.count(key, now);
                    }
                }
                Try::Registration(network) => self.registrations.count(&network, now),
            }
        }
    }

    /// Sets the number of nodes that share the limits without hearing each other; 1 while they do hear each other.
    pub(crate) fn set_nodes(&self, nodes: u32) {
        self.nodes.store(usize::try_from(nodes).unwrap_or(usize::MAX).max(1), Ordering::Relaxed);
    }

    fn nodes(&self) -> usize {
        self.nodes.load(Ordering::Relaxed)
    }
}

fn refused(wait: Duration) -> Error {
    limited("log-in attempts", wait)
}

fn limited(what: &'static str, wait: Duration) -> Error {
    Error::rate_limited(what, i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).max(1))
}

/// An attempt whose password is being compared. Unless that was wrong, the attempt does not count in the end.
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    guess: Guess,
    known: bool,
    at: Moment,
    failed: bool,
}

impl Attempt<'_> {
    /// Notes that the password was wrong.
    pub(crate) fn failed(mut self) {
        self.failed = true;
        if let (true, Some((network, account))) = (self.known, &self.guess.apart) {
            // The guess was not counted in these windows yet.
            self.throttle.networks.count(network, self.at);
            self.throttle.accounts.count(account, self.at);
        }
        self.throttle.note(self.guess.told());
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        for (window, key) in self.throttle.windows(&self.guess, self.known) {
            window.end(key, self.failed, self.at);
        }
    }
}

/// Attempts in a sliding window of time.
struct Window {
    most: usize,
    length: Duration,
    seen: Mutex<HashMap<String, Seen>>,
}

/// The attempts with one key.
#[derive(Default)]
struct Seen {
    /// The times of attempts that count.
    times: Vec<Moment>,
    /// The number of attempts under way, whose outcome is unknown.
    under_way: usize,
    last: Moment,
}

impl Window {
    fn new(most: i64, length: Duration) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), length, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// If this node's share of the window is full, the error is how long to wait.
    fn check(&self, key: &str, nodes: usize, now: Moment) -> Result<(), Duration> {
        let all = self.seen();
        let Some(seen) = all.get(key) else { return Ok(()) };
        let mut times = seen.times.iter().filter(|at| self.counts(**at, now));
        let first = times.next();
        match first {
            Some(first) if 1 + times.count() >= self.most.div_ceil(nodes) => {
                Err(self.length.saturating_sub(now.saturating_sub(*first)))
            }
            _ => Ok(()),
        }
    }

    /// Begins an attempt; the error is how long to wait.
    fn begin(&self, key: &str, nodes: usize, now: Moment) -> Result<(), Duration> {
        self.check(key, nodes, now)?;
        let mut all = self.seen();
        let seen = self.entry(&mut all, key, now);
        if seen.times.len() + seen.under_way >= self.most.div_ceil(nodes) {
            // The attempts under way may still succeed.
            return Err(SOON);
        }
        seen.under_way += 1;
        Ok(())
    }

    /// Ends an attempt; `counts` if it failed.
    fn end(&self, key: &str, counts: bool, at: Moment) {
        let mut all = self.seen();
        let Some(seen) = all.get_mut(key) else { return };
        seen.under_way = seen.under_way.saturating_sub(1);
        if counts {
            seen.times.push(at);
        } else if seen.times.is_empty() && seen.under_way == 0 {
            all.remove(key);
        }
    }

    /// Counts an attempt elsewhere.
    fn count(&self, key: &str, now: Moment) {
        let mut all = self.seen();
        let seen = self.entry(&mut all, key, now);
        if seen.times.len() < self.most {
            seen.times.push(now);
        }
    }

    fn counts(&self, at: Moment, now: Moment) -> bool {
        now.saturating_sub(at) < self.length
    }

    /// The entry of a key, without attempts that are over.
    fn entry<'a>(&self, all: &'a mut HashMap<String, Seen>, key: &str, now: Moment) -> &'a mut Seen {
        if all.len() >= KEYS && !all.contains_key(key) {
            self.forget_half(all, now);
        }
        let seen = all.entry(key.to_owned()).or_default();
        seen.times.retain(|at| self.counts(*at, now));
        seen.last = now;
        seen
    }

    /// Makes room: removes entries that are over, and if that is not enough, the older half.
    fn forget_half(&self, all: &mut HashMap<String, Seen>, now: Moment) {
        all.retain(|_, seen| seen.under_way > 0 || self.counts(seen.last, now));
        if all.len() < KEYS {
            return;
        }
        let mut last: Vec<Moment> = all.values().map(|seen| seen.last).collect();
        let middle = last.len() / 2;
        let middle = *last.select_nth_unstable(middle).1;
        // Many entries may have the same time: at most half of them stay.
        let mut left = KEYS / 2;
        all.retain(|_, seen| {
            let stays = seen.under_way > 0 || (seen.last >= middle && left > 0);
            left = left.saturating_sub(usize::from(stays));
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().expect(address))
    }

    fn throttle(shared: bool) -> Throttle {
        let limits = Limits {
            login_attempts: 5,
            login_attempts_per_address: 20,
            login_attempts_per_account: 30,
            registrations_per_hour: 1,
            ..Limits::default()
        };
        Throttle::new(&limits, shared)
    }

    fn at(ms: u64) -> Moment {
        Duration::from_millis(ms)
    }

    fn fails(throttle: &Throttle, account: &str, address: &str, now: Moment) -> Result<()> {
        throttle.begin(Guess::log_in(account, network(address)), false, now).map(Attempt::failed)
    }

    fn known_fails(throttle: &Throttle, account: &str, address: &str, now: Moment) -> Result<()> {
        throttle.begin(Guess::log_in(account, network(address)), true, now).map(Attempt::failed)
    }

    #[test]
    fn the_sixth_failure_waits_and_others_do_not() {
        let throttle = throttle(false);
        for i in 0..5 {
            let guess = Guess::log_in("ann", network("192.0.2.1"));
            drop(throttle.begin(guess, false, at(i)).expect("what is right does not count"));
            fails(&throttle, "ann", "192.0.2.1", at(i)).expect("one of five");
        }
        let refused = fails(&throttle, "ann", "192.0.2.1", at(10)).unwrap_err();
        assert_eq!(refused.retry_after_ms, Some(5 * 60 * 1_000 - 10));
        assert!(known_fails(&throttle, "ann", "192.0.2.1", at(10)).is_err(), "also from where she has been before");
        assert!(fails(&throttle, "ann", "192.0.2.2", at(10)).is_ok());
        assert!(fails(&throttle, "bob", "192.0.2.1", at(10)).is_ok());
        assert!(fails(&throttle, "ann", "192.0.2.1", LOGIN_WINDOW).is_ok());
        assert!(throttle.spent().is_empty(), "nobody is there to be told");
    }

    #[test]
    fn all_addresses_of_a_network_and_all_names_tried_from_it_are_counted_together() {
        let throttle = throttle(false);
        for i in 0..5 {
            fails(&throttle, "ann", &format!("2001:db8:1:2::{i}"), at(1)).expect("one of five");
        }
        assert!(fails(&throttle, "ann", "2001:db8:1:2:ffff::1", at(2)).is_err());
        for i in 0..15 {
            fails(&throttle, &format!("name {i}"), "2001:db8:1:2::1", at(2)).expect("one of twenty");
        }
        assert!(fails(&throttle, "another name", "2001:db8:1:2::1", at(3)).is_err());
        assert!(fails(&throttle, "another name", "2001:db8:1:3::1", at(3)).is_ok());
        // Somebody who has logged in from this network before is not locked out by others on it.
        assert!(known_fails(&throttle, "eve", "2001:db8:1:2::1", at(3)).is_ok());
        assert!(fails(&throttle, "another name", "2001:db8:1:2::1", at(2) + LOGIN_WINDOW).is_ok(), "and it ends");
    }

    #[test]
    fn guesses_at_an_account_are_bounded_over_all_networks_without_locking_out_its_owner() {
        let throttle = throttle(false);
        for i in 0..30 {
            fails(&throttle, "ann", &format!("198.51.100.{i}"), at(1)).expect("one of thirty");
        }
        assert!(fails(&throttle, "ann", "203.0.113.1", at(2)).is_err());
        assert!(fails(&throttle, "bob", "203.0.113.1", at(2)).is_ok());
        let guess = Guess::log_in("ann", network("192.0.2.1"));
        assert!(throttle.begin(guess, true, at(2)).is_ok(), "she has been there before");
        assert!(
            fails(&throttle, "ann", "203.0.113.1", at(1) + ACCOUNT_WINDOW).is_ok(),
            "nobody is locked out for good"
        );
    }

    #[test]
    fn attempts_at_the_same_time_count_like_attempts_in_a_row() {
        let throttle = throttle(false);
        let guess = Guess::log_in("ann", network("192.0.2.1"));
        let under_way: Vec<_> = (0..9).filter_map(|_| throttle.begin(guess.clone(), false, at(1)).ok()).collect();
        assert_eq!(under_way.len(), 5);
        let refused = fails(&throttle, "ann", "192.0.2.1", at(1)).unwrap_err();
        assert_eq!(refused.retry_after_ms, Some(1_000), "they may come out well");
        drop(under_way);
        assert!(throttle.begin(guess, false, at(2)).is_ok(), "none of them was wrong");
        assert!(throttle.networks.seen().values().all(|seen| seen.under_way == 0), "what was refused is not under way");
    }

    #[test]
    fn attempts_on_another_node_count_here() {
        let (one, other) = (throttle(true), throttle(true));
        for i in 0..4 {
            fails(&one, "ann", "192.0.2.1", at(i)).expect("one of five");
        }
        one.register(network("192.0.2.1"), at(4)).expect("the first");
        fails(&other, "ann", "192.0.2.1", at(4)).expect("the first here");
        other.note_spent(one.spent(), at(5));
        assert!(one.spent().is_empty(), "told once");
        assert!(fails(&other, "ann", "192.0.2.1", at(6)).is_err());
        assert!(fails(&other, "ann", "192.0.2.2", at(6)).is_ok());
        assert!(other.register(network("192.0.2.1"), at(6)).is_err());
        assert_eq!(other.spent().len(), 2, "what was heard is not told again");
        for i in 0..20 {
            fails(&one, &format!("name {i}"), "203.0.113.9", at(7)).expect("one of twenty");
        }
        other.note_spent(one.spent(), at(8));
        assert!(fails(&other, "one more", "203.0.113.9", at(8)).is_err(), "by the network as well");
    }

    #[test]
    fn nodes_that_do_not_hear_each_other_share_the_limit() {
        let throttle = throttle(true);
        throttle.set_nodes(3);
        for i in 0..2 {
            fails(&throttle, "ann", "192.0.2.1", at(i)).expect("one of two");
        }
        assert!(fails(&throttle, "ann", "192.0.2.1", at(2)).is_err());
        throttle.set_nodes(0);
        assert!(fails(&throttle, "ann", "192.0.2.1", at(2)).is_ok());
    }

    #[test]
    fn an_attack_with_many_names_does_not_make_a_guesser_forgotten() {
        let throttle = throttle(true);
        let crowd = |count: usize, now: Moment| {
            let tries = (0..count).map(|name| Try::LogIn(name.to_string())).collect();
            throttle.note_spent(tries, now);
        };
        crowd(KEYS, at(0));
        for i in 1..6 {
            fails(&throttle, "ann", "192.0.2.1", at(i)).expect("one of five");
        }
        assert!(throttle.pairs.seen().len() <= KEYS / 2 + 2, "the older half is forgotten");
        assert!(fails(&throttle, "ann", "192.0.2.1", at(6)).is_err());
        for now in 7..20 {
            crowd(9, at(now));
        }
        assert!(throttle.pairs.seen().values().all(|seen| seen.times.len() <= 5), "no more than matter");
    }
}
