//! Damage of what is stored: found at the start, within a bound of time, or when somebody comes upon it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use crate::{Error, Result, db};

/// Steps of SQLite's machine after which the time is looked at.
const STEPS: i32 = 1_000;

/// The first damage that this process has come upon. It works on one database, and damage does not heal.
static SEEN: Mutex<Option<String>> = Mutex::new(None);

/// Damage that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage(String);

impl Damage {
    /// The first damage that this process has found, if any.
    #[must_use]
    pub fn seen() -> Option<Self> {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone().map(Self)
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Notes damage; the first is named in the log.
pub(crate) fn note(what: &str) {
    metrics::counter!("palabre_damage_total").increment(1);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.is_none() {
        tracing::error!(what, "the database is damaged: stop the server, run `palabre doctor`, restore a backup");
        *seen = Some(what.to_owned());
    }
}

/// How far a check has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// All of the file.
    Whole,
    /// As much as was possible in time.
    Partly,
}

/// Looks for damaged pages of a SQLite file for so long at most, small tables first: they are what everything else
/// hangs on. Of other databases nothing is looked at.
///
/// # Errors
/// [`Error::Damaged`] with what was found first; or if the file cannot be read.
pub async fn check(url: &str, at_most: Duration) -> Result<Checked> {
    if !url.starts_with("sqlite:") {
        return Ok(Checked::Whole);
    }
    let options = db::sqlite_options(url)?.create_if_missing(false);
    if !options.get_filename().exists() {
        return Ok(Checked::Whole);
    }
    let mut conn = options.connect().await?;
    let end = Instant::now() + at_most;
    conn.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < end);
    let checked = check_tables(&mut conn).await;
    let closed = conn.close().await;
    if let Some(found) = judge(checked, Instant::now() >= end) {
        return found;
    }
    closed.map(|()| Checked::Whole).map_err(Error::from)
}

/// The outcome of a check, whether or not its time was over at its end; nothing if it looked at everything.
fn judge(checked: Result<()>, is_over: bool) -> Option<Result<Checked>> {
    match checked {
        Ok(()) => None,
        // Also where it was found at the last moment.
        Err(error @ Error::Damaged(_)) => Some(Err(error)),
        // Interrupted.
        Err(_) if is_over => Some(Ok(Checked::Partly)),
        Err(error) => Some(Err(error)),
    }
}

async fn check_tables(conn: &mut SqliteConnection) -> Result<()> {
    let text = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                ORDER BY name IN ('messages', 'reactions', 'members', 'refresh_tokens'), name = 'messages', name";
    let tables: Vec<(String,)> = sqlx::query_as(text).fetch_all(&mut *conn).await?;
    for (table,) in tables {
        let check = AssertSqlSafe(format!("PRAGMA quick_check('{}')", table.replace('\'', "''")));
        let lines: Vec<(String,)> = sqlx::query_as(check).fetch_all(&mut *conn).await?;
        if let Some((line,)) = lines.into_iter().find(|(line,)| line != "ok") {
            return Err(Error::Damaged(format!("table {table}: {line}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_that_is_found_at_the_last_moment_is_told() {
        let damaged = || Err(Error::Damaged("a page".into()));
        let interrupted = || Err(Error::Other("interrupted".into()));
        assert!(matches!(judge(damaged(), true), Some(Err(Error::Damaged(_)))));
        assert!(matches!(judge(damaged(), false), Some(Err(Error::Damaged(_)))));
        assert!(matches!(judge(interrupted(), true), Some(Ok(Checked::Partly))));
        assert!(matches!(judge(interrupted(), false), Some(Err(Error::Other(_)))));
        assert!(judge(Ok(()), true).is_none());
    }
}
