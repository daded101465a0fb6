//! The time, as all nodes have it.
//!
//! A node whose clock is wrong would date what it writes for everybody, and end or prolong what has a time. Where
//! several nodes share a database, the database has a clock too: a node that is off by more than [`NEAR`] says so and
//! goes by that one. Between two looks time is measured, not read, so that a clock that is set in the middle of it
//! changes nothing before it was compared.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chat::Millis;
use engine::Clock;

/// Milliseconds that a clock may differ from the database's.
const NEAR: i64 = 1_000;
/// An answer that took longer says too little of the time.
const QUICK: Duration = Duration::from_millis(500);

/// A clock that is compared with the database's.
#[derive(Clone)]
pub(crate) struct Compared {
    own: Clock,
    state: Arc<Mutex<State>>,
}

/// The result of the last comparison of the clocks.
#[derive(Clone, Copy, Default)]
struct State {
    /// A moment, and what time it was then; none before anything was compared: then the machine's clock holds.
    anchor: Option<(Instant, i64)>,
    is_off: bool,
}

impl Compared {
    /// `own` is the machine's clock.
    pub(crate) fn new(own: Clock) -> Self {
        Self { own, state: Arc::default() }
    }

    /// Tells the time.
    pub(crate) fn clock(&self) -> Clock {
        let compared = self.clone();
        Arc::new(move || compared.now(Instant::now()))
    }

    fn now(&self, at: Instant) -> Millis {
        match self.state().anchor {
            Some((anchor, time)) => Millis(time.saturating_add(millis(at.saturating_duration_since(anchor)))),
            None => (self.own)(),
        }
    }

    /// Compares it with the database's, which was asked at `begun` and answered by now.
    pub(crate) fn compare(&self, begun: Instant, theirs: i64) {
        let ended = Instant::now();
        if ended - begun <= QUICK {
            self.compare_at(begun + (ended - begun) / 2, ended, (self.own)().0, theirs);
        }
    }

    /// `theirs` was true at `asked`, `ours` is at `ended`.
    fn compare_at(&self, asked: Instant, ended: Instant, ours: i64, theirs: i64) {
        let theirs = theirs.saturating_add(millis(ended - asked));
        let ahead = ours.saturating_sub(theirs);
        metrics::gauge!("palabre_clock_ahead_seconds").set(ahead as f64 / 1_000.0);
        let is_off = ahead.abs() > NEAR;
        let mut state = self.state();
        if is_off != state.is_off {
            tell(is_off, ahead);
        }
        *state = State { anchor: Some((ended, if is_off { theirs } else { ours })), is_off };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(is_off: bool, ahead: i64) {
    if is_off {
        tracing::error!(
            ahead_ms = ahead,
            "this machine's clock does not agree with the database's, which is used instead; let NTP keep the time"
        );
    } else {
        tracing::info!(ahead_ms = ahead, "this machine's clock agrees with the database's again");
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn a_clock_that_is_near_is_believed_and_one_that_is_far_is_not() {
        let machine = Arc::new(AtomicI64::new(1_000_000));
        let own = machine.clone();
        let clock = Compared::new(Arc::new(move || Millis(own.load(Ordering::Relaxed))));
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(clock.now(begin), Millis(1_000_000), "before anything was compared");
        clock.compare_at(begin, begin, 1_000_000, 999_100);
        assert_eq!(clock.now(at(1)), Millis(1_001_000));
        // It is set an hour ahead.
        machine.store(4_601_000, Ordering::Relaxed);
        assert_eq!(clock.now(at(1)), Millis(1_001_000), "which changes nothing by itself");
        clock.compare_at(at(1), at(1), 4_601_000, 1_000_100);
        assert_eq!(clock.now(at(3)), Millis(1_002_100), "the database's is used");
        clock.compare_at(at(3), at(3), 1_002_900, 1_002_100);
        assert_eq!(clock.now(at(3)), Millis(1_002_900), "and its own again");
    }

    #[test]
    fn the_time_that_the_answer_took_is_reckoned_with() {
        let clock = Compared::new(Arc::new(|| Millis(0)));
        let (asked, ended) = (Instant::now(), Instant::now() + Duration::from_millis(200));
        clock.compare_at(asked, ended, 0, 50_000);
        assert_eq!(clock.now(ended), Millis(50_200));
    }
}
