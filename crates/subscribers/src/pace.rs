//! How often a large channel is handed out.
//!
//! A write to a socket costs the same for one message as for ten. So messages to a large channel are collected while
//! the last ones are still being written, and for the same time again: writing takes at most half of the time. When
//! more is said than anybody can read, the channel is handed out forty times a second, as network cards limit their
//! interrupts.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::queue::Subscriber;

/// A channel with fewer subscribers is not large.
pub(crate) const LARGE: usize = 64;
/// A chunk of so many bytes is handed out at once, so that no outbox overflows because it had to wait.
pub(crate) const MUCH: usize = 32 * 1_024;
/// How long writing to a large channel may take before it counts as finished.
const PATIENCE: Duration = Duration::from_millis(40);
/// The wait before the next time, for each event that was handed out last …
const PER_EVENT: Duration = Duration::from_millis(2);
/// … but no longer than this.
const SELDOM: Duration = Duration::from_millis(25);
/// How soon the subscribers are rechecked.
const LOOK: Duration = Duration::from_millis(1);

/// Subscribers in the sample that shows whether a channel is still being written to.
const SAMPLE: usize = 32;

/// The pace of one channel.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    told_at: Option<Instant>,
    /// The shortest wait.
    least: Duration,
    /// When the channel may be handed out next; known once all subscribers have been written to.
    rest: Option<Instant>,
}

impl Pace {
    /// Notes that `events` were handed out to `subscribers`. Returns when to recheck a large channel.
    pub(crate) fn told(&mut self, now: Instant, subscribers: usize, events: u32) -> Option<Instant> {
        *self = Self { told_at: Some(now), least: PER_EVENT.saturating_mul(events).min(SELDOM), rest: None };
        (subscribers >= LARGE).then_some(now + LOOK)
    }

    /// Until when a channel of so many `subscribers` must wait with these `bytes`, or be rechecked; `None` if it may be
    /// handed out now. `is_busy` says whether the last events are still being written.
    pub(crate) fn wait(
        &mut self,
        now: Instant,
        subscribers: usize,
        bytes: usize,
        is_busy: impl FnOnce() -> bool,
    ) -> Option<Instant> {
        if subscribers < LARGE || bytes >= MUCH {
            return None;
        }
        let told_at = self.told_at?;
        let took = now - told_at;
        if self.rest.is_none() && took < PATIENCE && is_busy() {
            return Some(now + LOOK);
        }
        let rest = *self.rest.get_or_insert(told_at + self.least.max(2 * took.min(PATIENCE)));
        (now < rest).then_some(rest)
    }
}

/// Whether more than a few subscribers have not been written to since they were last woken, judging by a sample.
pub(crate) fn are_busy(subscribers: &[Arc<Subscriber>]) -> bool {
    let sample = subscribers.iter().step_by(subscribers.len().div_ceil(SAMPLE).max(1));
    sample.filter(|subscriber| subscriber.outbox.is_awake()).count() > SAMPLE / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(begin: Instant, millis: u64) -> Instant {
        begin + Duration::from_millis(millis)
    }

    #[test]
    fn a_chunk_waits_until_the_last_one_is_written_and_as_long_again() {
        let (begin, mut pace) = (Instant::now(), Pace::default());
        assert_eq!(pace.wait(begin, 1_000, 100, || true), None, "nothing was told before");
        let _look = pace.told(begin, 1_000, 1);
        assert_eq!(pace.wait(after(begin, 3), 1_000, 100, || true), Some(after(begin, 4)));
        assert_eq!(pace.wait(after(begin, 4), 1_000, 100, || false), Some(after(begin, 8)));
        assert_eq!(pace.wait(after(begin, 6), 1_000, 200, || true), Some(after(begin, 8)), "that is known by now");
        assert_eq!(pace.wait(after(begin, 8), 1_000, 300, || true), None);
    }

    #[test]
    fn patience_ends() {
        let (begin, mut pace) = (Instant::now(), Pace::default());
        let _look = pace.told(begin, 1_000, 1);
        assert_eq!(pace.wait(after(begin, 39), 1_000, 100, || true), Some(after(begin, 40)));
        assert_eq!(pace.wait(after(begin, 40), 1_000, 100, || true), Some(after(begin, 80)));
        assert_eq!(pace.wait(after(begin, 80), 1_000, 100, || true), None);
        let _look = pace.told(begin, 1_000, 1);
        assert_eq!(pace.wait(after(begin, 5_000), 1_000, 100, || true), None, "long ago");
    }

    #[test]
    fn a_busy_channel_is_handed_out_seldom() {
        let (begin, mut pace) = (Instant::now(), Pace::default());
        for (events, until) in [(1, 2), (6, 12), (1_000, 25)] {
            let _look = pace.told(begin, 1_000, events);
            assert_eq!(pace.wait(after(begin, 1), 1_000, 100, || false), Some(after(begin, until)));
            assert_eq!(pace.wait(after(begin, until), 1_000, 100, || false), None);
        }
    }

    #[test]
    fn few_subscribers_and_many_bytes_never_wait() {
        let (begin, mut pace) = (Instant::now(), Pace::default());
        let _look = pace.told(begin, 1_000, 1);
        assert_eq!(pace.wait(begin, 63, 100, || true), None);
        assert_eq!(pace.wait(begin, 64, 100, || true), Some(begin + LOOK));
        assert_eq!(pace.wait(begin, 64, MUCH, || true), None);
    }
}
