//! The clock of a transfer in pieces: once begun, it must continue, and at a minimum rate.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait for the next piece.
const IDLE: Duration = Duration::from_secs(10);
/// The time allowed for a whole transfer, in addition to its bytes at the minimum rate.
const GRACE: Duration = Duration::from_secs(10);
/// The minimum rate, in bytes a second: less than the slowest mobile network.
const RATE: u64 = 1_024;

/// A transfer that has begun: a body, a message, an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Transfer {
    began: Instant,
    last: Instant,
    bytes: u64,
    idle: Duration,
}

impl Transfer {
    pub(crate) fn new(now: Instant) -> Self {
        Self { began: now, last: now, bytes: 0, idle: IDLE }
    }

    /// A transfer to a receiver whose system takes large pieces at long intervals.
    pub(crate) fn in_large_pieces(now: Instant, idle: Duration) -> Self {
        Self { idle, ..Self::new(now) }
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Notes that `bytes` more have come or gone.
    pub(crate) fn went_on(&mut self, now: Instant, bytes: usize) {
        self.last = now;
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// The same transfer after a pause in which nobody waited for it.
    pub(crate) fn after_rest(self, since: Instant, until: Instant) -> Self {
        let rest = until.saturating_duration_since(since);
        Self { began: self.began + rest, last: self.last + rest, ..self }
    }

    /// When it must have ended or continued.
    pub(crate) fn deadline(&self) -> Instant {
        let at_least_rate = Duration::from_secs(self.bytes / RATE);
        let whole = self.began + GRACE.max(self.idle) + at_least_rate;
        whole.min(self.last + self.idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_transfer_at_the_minimum_rate_has_time_and_a_slower_one_has_ten_seconds() {
        let began = Instant::now();
        let mut steady = Transfer::new(began);
        let mut dribbling = Transfer::new(began);
        for second in 1..=60 {
            let now = began + after(second);
            assert!(steady.deadline() >= now, "{second}");
            assert_eq!(dribbling.deadline() >= now, second <= 10, "{second}");
            steady.went_on(now, 1_024);
            dribbling.went_on(now, 1);
        }
    }

    #[test]
    fn a_transfer_that_stops_has_ten_seconds_whatever_came_before() {
        let began = Instant::now();
        let mut body = Transfer::new(began);
        body.went_on(began + after(1), 1 << 20);
        assert_eq!(body.deadline(), began + after(11));
    }
}
