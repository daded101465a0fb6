//! How often a large channel is told.
//!
//! A write to a socket costs the same for one message as for ten. So what is said to a large channel while those who were told
//! last are still being written to is kept together, and for as long again: writing takes no more than half of the
//! time. And where very much is said, more than anybody reads, it is told forty times a second, as network cards do
//! with interrupts.

use std::time::Duration;

use tokio::time::Instant;

/// Fewer subscribers are no large channel.
const CROWD: usize = 64;
/// What has come together to so many bytes is told at once, so that no outbox is full for having waited.
pub(crate) const MUCH: usize = 32 * 1_024;
/// How long it may take to write to a large channel before it counts as done all the same.
const PATIENCE: Duration = Duration::from_millis(40);
/// For each event that was told last, the next is told so much later …
const PER_EVENT: Duration = Duration::from_millis(2);
/// … but no later than this.
const SELDOM: Duration = Duration::from_millis(25);
/// How soon is looked again whether they are done.
const LOOK: Duration = Duration::from_millis(1);

/// Where a channel stands with it.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    told_at: Option<Instant>,
    /// How much time is to pass at least.
    least: Duration,
    /// Until when nothing more is told; known once they have been written to.
    rest: Option<Instant>,
}

impl Pace {
    /// So many `subscribers` were told of so many `events`. If they are a large channel, it is to be looked at when this says.
    pub(crate) fn told(&mut self, now: Instant, subscribers: usize, events: u32) -> Option<Instant> {
        *self = Self { told_at: Some(now), least: PER_EVENT.saturating_mul(events).min(SELDOM), rest: None };
        (subscribers >= CROWD).then_some(now + LOOK)
    }

    /// Until when a channel of so many `subscribers` is not to be told these `bytes` or to be rechecked; nothing if it
    /// may be told now. `is_busy` says whether those who were told last are still being written to.
    pub(crate) fn wait(
        &mut self,
        now: Instant,
        subscribers: usize,
        bytes: usize,
        is_busy: impl FnOnce() -> bool,
    ) -> Option<Instant> {
        if subscribers < CROWD || bytes >= MUCH {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn after(begin: Instant, millis: u64) -> Instant {
        begin + Duration::from_millis(millis)
    }

    #[test]
    fn what_is_said_meanwhile_waits_until_they_are_done_and_as_long_again() {
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
    fn where_much_is_said_it_is_told_seldom() {
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
