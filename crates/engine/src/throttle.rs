//! Guessing is slow: failed log-ins per account and address, and registrations per address.

use std::{collections::HashMap, sync::Mutex};

use chat::{Error, Millis, Result};

const LOGIN_WINDOW_MS: i64 = 5 * 60 * 1_000;
const REGISTRATION_WINDOW_MS: i64 = 60 * 60 * 1_000;
/// More keys than this are an attack; then the oldest are forgotten first.
const KEYS: usize = 100_000;

pub(crate) struct Throttle {
    logins: Window,
    registrations: Window,
}

impl Throttle {
    pub(crate) fn new(logins: i64, registrations: i64) -> Self {
        Self {
            logins: Window::new(logins, LOGIN_WINDOW_MS),
            registrations: Window::new(registrations, REGISTRATION_WINDOW_MS),
        }
    }

    /// Refuses if this account was tried too often from this address. By the pair, so that nobody can
    /// lock another out.
    pub(crate) fn check_login(&self, account: &str, address: &str, now: Millis) -> Result<()> {
        self.logins
            .check(&format!("{account}\0{address}"), now)
            .map_err(|ms| Error::rate_limited("log-in attempts", ms))
    }

    pub(crate) fn login_failed(&self, account: &str, address: &str, now: Millis) {
        self.logins.count(format!("{account}\0{address}"), now);
    }

    pub(crate) fn register(&self, address: &str, now: Millis) -> Result<()> {
        self.registrations.check(address, now).map_err(|ms| Error::rate_limited("registrations", ms))?;
        self.registrations.count(address.to_owned(), now);
        Ok(())
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

    /// The milliseconds to wait, if the window is full.
    fn check(&self, key: &str, now: Millis) -> Result<(), i64> {
        let Ok(mut times) = self.times.lock() else { return Ok(()) };
        let Some(seen) = times.get_mut(key) else { return Ok(()) };
        seen.retain(|at| now.since(*at) < self.length_ms);
        if seen.len() < self.most {
            return Ok(());
        }
        Err(seen.first().map_or(0, |first| self.length_ms - now.since(*first)).max(1))
    }

    fn count(&self, key: String, now: Millis) {
        let Ok(mut times) = self.times.lock() else { return };
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

    #[test]
    fn the_sixth_failure_waits_and_others_do_not() {
        let throttle = Throttle::new(5, 1);
        for i in 0..5 {
            assert!(throttle.check_login("ann", "1.2.3.4", Millis(i)).is_ok());
            throttle.login_failed("ann", "1.2.3.4", Millis(i));
        }
        let refused = throttle.check_login("ann", "1.2.3.4", Millis(10)).unwrap_err();
        assert_eq!(refused.retry_after_ms, Some(LOGIN_WINDOW_MS - 10));
        assert!(throttle.check_login("ann", "5.6.7.8", Millis(10)).is_ok());
        assert!(throttle.check_login("bob", "1.2.3.4", Millis(10)).is_ok());
        assert!(throttle.check_login("ann", "1.2.3.4", Millis(LOGIN_WINDOW_MS)).is_ok());
    }
}
