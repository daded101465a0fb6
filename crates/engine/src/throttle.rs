//! Guessing is slow: failed log-ins per account and address, and registrations per address.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use chat::{Error, Millis, Result, rates::Try};

use crate::tokens::digest;

const LOGIN_WINDOW_MS: i64 = 5 * 60 * 1_000;
const REGISTRATION_WINDOW_MS: i64 = 60 * 60 * 1_000;
/// More keys than this are an attack; then the oldest are forgotten first.
const KEYS: usize = 100_000;
/// More tries than this are not told of between two words; a word comes four times a second, and each try costs the
/// hash of a password.
const TOLD: usize = 1_000;

pub(crate) struct Throttle {
    logins: Window,
    registrations: Window,
    /// Tries here since other nodes were last told; absent where there are none.
    spent: Option<Mutex<Vec<Try>>>,
    /// How many nodes share the limits without hearing of each other: 1 while they do.
    nodes: AtomicUsize,
}

impl Throttle {
    pub(crate) fn new(logins: i64, registrations: i64, shared: bool) -> Self {
        Self {
            logins: Window::new(logins, LOGIN_WINDOW_MS),
            registrations: Window::new(registrations, REGISTRATION_WINDOW_MS),
            spent: shared.then(Mutex::default),
            nodes: AtomicUsize::new(1),
        }
    }

    /// Begins to compare a password. Refuses if this account was tried too often from this address: by the pair, so
    /// that nobody can lock another out. It counts from the beginning, so that many at once are no more than many
    /// one after another.
    pub(crate) fn log_in(&self, account: &str, address: &str, now: Millis) -> Result<Attempt<'_>> {
        // However long a name somebody thinks up; and what other nodes are told names nobody.
        let key = digest(&format!("{account}\0{address}"));
        self.logins.take(&key, self.nodes(), now).map_err(|ms| Error::rate_limited("log-in attempts", ms))?;
        Ok(Attempt { throttle: self, key: Some(key), at: now })
    }

    pub(crate) fn register(&self, address: &str, now: Millis) -> Result<()> {
        self.registrations.take(address, self.nodes(), now).map_err(|ms| Error::rate_limited("registrations", ms))?;
        self.note(Try::Registration(address.to_owned()));
        Ok(())
    }

    fn note(&self, one: Try) {
        if let Some(mut spent) = self.spent.as_ref().and_then(|spent| spent.lock().ok())
            && spent.len() < TOLD
        {
            spent.push(one);
        }
    }

    /// The tries since this was last asked.
    pub(crate) fn spent(&self) -> Vec<Try> {
        let spent = self.spent.as_ref().and_then(|spent| spent.lock().ok());
        spent.map(|mut spent| std::mem::take(&mut *spent)).unwrap_or_default()
    }

    /// Counts what was tried on another node.
    pub(crate) fn note_spent(&self, tries: Vec<Try>, now: Millis) {
        for one in tries {
            match one {
                Try::LogIn(key) => self.logins.count(key, now),
                Try::Registration(address) => self.registrations.count(address, now),
            }
        }
    }

    /// How many nodes share the limits without hearing of each other; 1 while they do.
    pub(crate) fn set_nodes(&self, nodes: u32) {
        self.nodes.store(usize::try_from(nodes).unwrap_or(usize::MAX).max(1), Ordering::Relaxed);
    }

    fn nodes(&self) -> usize {
        self.nodes.load(Ordering::Relaxed)
    }
}

/// A password that is being compared. Unless it was wrong it does not count in the end.
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    key: Option<String>,
    at: Millis,
}

impl Attempt<'_> {
    /// It was wrong.
    pub(crate) fn failed(mut self) {
        if let Some(key) = self.key.take() {
            self.throttle.note(Try::LogIn(key));
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.throttle.logins.give_back(key, self.at);
        }
    }
}

struct Window {
    most: usize,
    length_ms: i64,
    times: Mutex<HashMap<String, Vec<Millis>>>,
}

impl Window {
    fn new(most: i64, length_ms: i64) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), length_ms, times: Mutex::default() }
    }

    fn times(&self) -> MutexGuard<'_, HashMap<String, Vec<Millis>>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more, or tells the milliseconds to wait, if this one of so many nodes' part of the window is full.
    fn take(&self, key: &str, nodes: usize, now: Millis) -> Result<(), i64> {
        if let Some(seen) = self.times().get_mut(key) {
            seen.retain(|at| now.since(*at) < self.length_ms);
            if seen.len() >= self.most.div_ceil(nodes) {
                return Err(seen.first().map_or(0, |first| self.length_ms - now.since(*first)).max(1));
            }
            seen.push(now);
            return Ok(());
        }
        self.count(key.to_owned(), now);
        Ok(())
    }

    /// Takes one back that was counted at this time.
    fn give_back(&self, key: &str, at: Millis) {
        let mut times = self.times();
        let Some(seen) = times.get_mut(key) else { return };
        if let Some(place) = seen.iter().rposition(|seen| *seen == at) {
            seen.remove(place);
        }
        if seen.is_empty() {
            times.remove(key);
        }
    }

    fn count(&self, key: String, now: Millis) {
        let mut times = self.times();
        if times.len() >= KEYS {
            times.retain(|_, seen| seen.last().is_some_and(|at| now.since(*at) < self.length_ms));
        }
        if times.len() < KEYS {
            times.entry(key).or_default().push(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(throttle: &Throttle, account: &str, address: &str, now: i64) -> Result<()> {
        throttle.log_in(account, address, Millis(now)).map(Attempt::failed)
    }

    #[test]
    fn the_sixth_failure_waits_and_others_do_not() {
        let throttle = Throttle::new(5, 1, false);
        for i in 0..5 {
            drop(throttle.log_in("ann", "1.2.3.4", Millis(i)).expect("what is right does not count"));
            fails(&throttle, "ann", "1.2.3.4", i).expect("one of five");
        }
        let refused = fails(&throttle, "ann", "1.2.3.4", 10).unwrap_err();
        assert_eq!(refused.retry_after_ms, Some(LOGIN_WINDOW_MS - 10));
        assert!(fails(&throttle, "ann", "5.6.7.8", 10).is_ok());
        assert!(fails(&throttle, "bob", "1.2.3.4", 10).is_ok());
        assert!(fails(&throttle, "ann", "1.2.3.4", LOGIN_WINDOW_MS).is_ok());
        assert!(throttle.spent().is_empty(), "nobody is there to be told");
    }

    #[test]
    fn many_at_once_are_no_more_than_many_one_after_another() {
        let throttle = Throttle::new(5, 1, false);
        let under_way: Vec<_> = (0..9).filter_map(|_| throttle.log_in("ann", "1.2.3.4", Millis(1)).ok()).collect();
        assert_eq!(under_way.len(), 5);
        drop(under_way);
        assert!(throttle.log_in("ann", "1.2.3.4", Millis(2)).is_ok(), "none of them was wrong");
    }

    #[test]
    fn what_was_tried_elsewhere_counts_here() {
        let (one, other) = (Throttle::new(5, 1, true), Throttle::new(5, 1, true));
        for i in 0..4 {
            fails(&one, "ann", "1.2.3.4", i).expect("one of five");
        }
        one.register("1.2.3.4", Millis(4)).expect("the first");
        fails(&other, "ann", "1.2.3.4", 4).expect("the first here");
        other.note_spent(one.spent(), Millis(5));
        assert!(one.spent().is_empty(), "told once");
        assert!(fails(&other, "ann", "1.2.3.4", 6).is_err());
        assert!(fails(&other, "ann", "5.6.7.8", 6).is_ok());
        assert!(other.register("1.2.3.4", Millis(6)).is_err());
        assert_eq!(other.spent().len(), 2, "what was heard is not told again");
    }

    #[test]
    fn nodes_that_do_not_hear_each_other_share_the_limit() {
        let throttle = Throttle::new(5, 1, true);
        throttle.set_nodes(3);
        for i in 0..2 {
            fails(&throttle, "ann", "1.2.3.4", i).expect("one of two");
        }
        assert!(fails(&throttle, "ann", "1.2.3.4", 2).is_err());
        throttle.set_nodes(0);
        assert!(fails(&throttle, "ann", "1.2.3.4", 2).is_ok());
    }
}
