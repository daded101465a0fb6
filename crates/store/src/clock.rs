//! Clocks: the writer's, and the database's. Times are for people; order hangs on numbers. A conversation's times go back
//! only where a clock was wrong.

use chat::Millis;

use crate::{Conn, Result};

/// By how much a stored time may be ahead of the clock and still hold later ones up: what the clocks of two nodes may
/// differ by, or what a clock is put back by when it is adjusted. Whatever lies further ahead was stored while a clock
/// was wrong, and nothing is dated after it.
const AHEAD: i64 = 2_000;

/// PostgreSQL's time in milliseconds since 1970. Nothing for SQLite, which has the machine's.
///
/// # Errors
/// Those of the database.
pub async fn now(conn: &mut Conn) -> Result<Option<i64>> {
    let Conn::Postgres(c) = conn else { return Ok(None) };
    let text = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint";
    let (now,): (i64,) = in_time!(c, sqlx::query_as(text).fetch_one(&mut **c))?;
    Ok(Some(now))
}

/// The time of what happens now in a conversation whose last change is of `last`: not before that one, unless that
/// lies in the future.
pub(crate) fn at_least(last: i64, now: Millis) -> Millis {
    if last > now.0 && last <= furthest(now).0 { Millis(last) } else { now }
}

/// The furthest time that may still hold later ones up.
pub(crate) fn furthest(now: Millis) -> Millis {
    Millis(now.0.saturating_add(AHEAD))
}

/// The writer's clock: each batch has a later time than the one before, so that a list by time of last activity has
/// one order. Where the clock is put back by more than [`AHEAD`], so is this one.
#[derive(Debug)]
pub(crate) struct Steady {
    last: Option<i64>,
}

impl Steady {
    pub(crate) const fn new() -> Self {
        Self { last: None }
    }

    /// Whether the clock, which says this now, was put back since the last batch, or nothing is known of it before.
    pub(crate) fn is_put_back(&self, clock: Millis) -> bool {
        self.last.is_none_or(|last| last > furthest(clock).0)
    }

    /// The time of the next batch, of what the clock says.
    pub(crate) fn read(&mut self, clock: Millis) -> Millis {
        let now = match self.last.filter(|_| !self.is_put_back(clock)) {
            None => clock,
            Some(last) => {
                // Not further ahead than half of what it may be, however many batches come.
                let next = last.max(last.saturating_add(1).min(clock.0.saturating_add(AHEAD / 2)));
                Millis(clock.0.max(next))
            }
        };
        self.last = Some(now.0);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_future_holds_later_ones_up_for_two_seconds_at_most() {
        let now = Millis(10_000);
        assert_eq!(at_least(9_000, now), now);
        assert_eq!(at_least(12_000, now), Millis(12_000));
        assert_eq!(at_least(12_001, now), now);
        assert_eq!(at_least(i64::MAX, now), now);
    }

    #[test]
    fn batches_have_ascending_times_until_the_clock_is_put_back() {
        let mut steady = Steady::new();
        let mut read = |clock| (steady.is_put_back(Millis(clock)), steady.read(Millis(clock)));
        assert_eq!(read(5_000), (true, Millis(5_000)));
        assert_eq!(read(5_000), (false, Millis(5_001)));
        // Not further ahead than a second, whatever comes.
        assert_eq!(read(4_000), (false, Millis(5_001)));
        assert_eq!(read(6_000), (false, Millis(6_000)));
        assert_eq!(read(3_999), (true, Millis(3_999)));
        for _ in 0..2_000 {
            read(4_000);
        }
        assert_eq!(read(4_000), (false, Millis(5_000)));
    }
}
