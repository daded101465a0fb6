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
/// When to try again if nothing but tries that are still under way stands against it.
const SOON_MS: i64 = 1_000;

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
        self.logins.begin(&key, self.nodes(), now).map_err(|ms| Error::rate_limited("log-in attempts", ms))?;
        Ok(Attempt { throttle: self, key: Some(key), at: now })
    }

    pub(crate) fn register(&self, address: &str, now: Millis) -> Result<()> {
        self.registrations.begin(address, self.nodes(), now).map_err(|ms| Error::rate_limited("registrations", ms))?;
        self.registrations.end(address, true, now);
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
                Try::LogIn(key) => self.logins.count(&key, now),
                Try::Registration(address) => self.registrations.count(&address, now),
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
            self.throttle.logins.end(&key, true, self.at);
            self.throttle.note(Try::LogIn(key));
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.throttle.logins.end(key, false, self.at);
        }
    }
}

struct Window {
    most: usize,
    length_ms: i64,
    seen: Mutex<HashMap<String, Seen>>,
}

/// What was tried under one key.
#[derive(Default)]
struct Seen {
    /// When tries were made that count.
    times: Vec<Millis>,
    /// How many are under way, of which it is not known yet.
    under_way: usize,
    last: Millis,
}

impl Window {
    fn new(most: i64, length_ms: i64) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), length_ms, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one more try, or tells the milliseconds to wait, if this one of so many nodes' part of the window is full.
    fn begin(&self, key: &str, nodes: usize, now: Millis) -> Result<(), i64> {
        let mut all = self.seen();
        let seen = self.entry(&mut all, key, now);
        let most = self.most.div_ceil(nodes);
        if seen.times.len() >= most {
            return Err(seen.times.first().map_or(0, |first| self.length_ms - now.since(*first)).max(1));
        }
        if seen.times.len() + seen.under_way >= most {
            // What is under way may come out well.
            return Err(SOON_MS);
        }
        seen.under_way += 1;
        Ok(())
    }

    /// A try that was begun has ended; whether it counts.
    fn end(&self, key: &str, counts: bool, at: Millis) {
        let mut all = self.seen();
        let Some(seen) = all.get_mut(key) else { return };
        seen.under_way = seen.under_way.saturating_sub(1);
        if counts {
            seen.times.push(at);
        } else if seen.times.is_empty() && seen.under_way == 0 {
            all.remove(key);
        }
    }

    /// Counts what was tried elsewhere.
    fn count(&self, key: &str, now: Millis) {
        let mut all = self.seen();
        let seen = self.entry(&mut all, key, now);
        if seen.times.len() < self.most {
            seen.times.push(now);
        }
    }

    /// What is known of a key, without what is over.
    fn entry<'a>(&self, all: &'a mut HashMap<String, Seen>, key: &str, now: Millis) -> &'a mut Seen {
        if all.len() >= KEYS && !all.contains_key(key) {
            self.forget_half(all, now);
        }
        let seen = all.entry(key.to_owned()).or_default();
        seen.times.retain(|at| now.since(*at) < self.length_ms);
        seen.last = now;
        seen
    }

    /// Makes room: what is over goes, and if that is not enough, the older half.
    fn forget_half(&self, all: &mut HashMap<String, Seen>, now: Millis) {
        all.retain(|_, seen| seen.under_way > 0 || now.since(seen.last) < self.length_ms);
        if all.len() < KEYS {
            return;
        }
        let mut last: Vec<Millis> = all.values().map(|seen| seen.last).collect();
        let middle = last.len() / 2;
        let middle = *last.select_nth_unstable(middle).1;
        // As many may be of one moment: no more than half of them stay.
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
        let refused = fails(&throttle, "ann", "1.2.3.4", 1).unwrap_err();
        assert_eq!(refused.retry_after_ms, Some(SOON_MS), "they may come out well");
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

    #[test]
    fn an_attack_with_many_names_hides_nobody() {
        let throttle = Throttle::new(2, 1, true);
        let crowd = |count: usize, at: i64| {
            let tries = (0..count).map(|name| Try::LogIn(name.to_string())).collect();
            throttle.note_spent(tries, Millis(at));
        };
        crowd(KEYS, 0);
        for i in 1..3 {
            fails(&throttle, "ann", "1.2.3.4", i).expect("one of two");
        }
        assert!(throttle.logins.seen().len() <= KEYS / 2 + 2, "the older half is forgotten");
        assert!(fails(&throttle, "ann", "1.2.3.4", 3).is_err());
        for at in 4..9 {
            crowd(9, at);
        }
        assert!(throttle.logins.seen().values().all(|seen| seen.times.len() <= 2), "no more than matter");
    }
}
