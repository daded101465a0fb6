//! Whether the database takes writes: by its last commit, or by trying.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chat::ErrorCode;

use crate::{Conn, Result};

statements! {
    /// Writes what is there already: one row, one flush of the disk, no change.
    TRY = "UPDATE counters SET value = value WHERE name = 'session'";
}

/// For PostgreSQL, whose small rows find room for a long time in a file that cannot grow any more.
const FILL: &str = "CREATE TEMPORARY TABLE palabre_room ON COMMIT DROP AS
                    SELECT repeat(md5(s.i::text), 8) AS filler FROM generate_series(1, 1000) AS s (i)";

/// For so long a commit proves that the next one will succeed.
const PROVEN: Duration = Duration::from_secs(5);
/// While writes fail, no more is tried than once in this time, however often somebody asks.
const PAUSE: Duration = Duration::from_millis(500);

/// What is known of it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    committed: Option<Instant>,
    tried: Option<Instant>,
    failing: Option<chat::Error>,
}

/// What to do for an answer.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Writes succeed.
    Good,
    /// Writes fail, for this reason.
    Failing(chat::Error),
    /// Nobody knows: try, and make sure of room if that was missing.
    Try {
        /// Whether the last write failed because there was no room.
        fill: bool,
    },
}

impl Health {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a commit.
    pub(crate) fn committed(&self, now: Instant) {
        let mut known = self.known();
        (known.committed, known.failing) = (Some(now), None);
    }

    /// Notes that a transaction failed. A mistake of the program says nothing about the database.
    pub(crate) fn failed(&self, error: &chat::Error) {
        let codes = [ErrorCode::StorageFull, ErrorCode::Unavailable, ErrorCode::OutcomeUnknown];
        if codes.contains(&error.code) {
            self.known().failing = Some(error.clone());
        }
    }

    /// What is known now; whoever is told to try is the only one for a while.
    #[must_use]
    pub fn ask(&self, now: Instant) -> Verdict {
        let mut known = self.known();
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        if let Some(failing) = &known.failing {
            if since(known.tried).is_some_and(|since| since < PAUSE) {
                return Verdict::Failing(failing.clone());
            }
            let fill = failing.code == ErrorCode::StorageFull;
            known.tried = Some(now);
            return Verdict::Try { fill };
        }
        if since(known.committed).is_some_and(|since| since < PROVEN) {
            return Verdict::Good;
        }
        known.tried = Some(now);
        Verdict::Try { fill: false }
    }
}

/// Tries to write, in a transaction that the caller commits.
///
/// # Errors
/// Why nothing can be written.
pub async fn try_to_write(conn: &mut Conn, fill: bool) -> Result<()> {
    if fill && let Conn::Postgres(_) = conn {
        conn.run(FILL).await?;
    }
    sql!(conn, execute, TRY)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: ErrorCode) -> chat::Error {
        chat::Error::new(code, "a test")
    }

    #[test]
    fn a_commit_proves_for_five_seconds_that_writes_succeed() {
        let (begin, health) = (Instant::now(), Health::default());
        assert_eq!(health.ask(begin), Verdict::Try { fill: false });
        health.committed(begin);
        assert_eq!(health.ask(begin + Duration::from_millis(4_999)), Verdict::Good);
        assert_eq!(health.ask(begin + PROVEN), Verdict::Try { fill: false });
    }

    #[test]
    fn while_writes_fail_somebody_tries_twice_a_second_and_a_commit_ends_it() {
        let (begin, health) = (Instant::now(), Health::default());
        let full = refusal(ErrorCode::StorageFull);
        health.committed(begin);
        health.failed(&full);
        assert_eq!(health.ask(begin), Verdict::Try { fill: true });
        assert_eq!(health.ask(begin + Duration::from_millis(499)), Verdict::Failing(full));
        assert_eq!(health.ask(begin + PAUSE), Verdict::Try { fill: true });
        health.committed(begin + PAUSE);
        assert_eq!(health.ask(begin + PAUSE), Verdict::Good);
        health.failed(&refusal(ErrorCode::Internal));
        assert_eq!(health.ask(begin + PAUSE), Verdict::Good);
    }
}
