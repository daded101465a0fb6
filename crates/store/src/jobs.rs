//! Jobs: work that is done after its cause was committed. A job is written in the transaction of its cause, claimed for
//! the time of a lease by whichever node finds it due, and is gone once it is done. Nothing is said in it but which row
//! of its kind it is about.
//!
//! All times here are the database's: leases must mean the same to all nodes.

use std::time::Duration;

use chat::{
    Millis,
    mutants::{self, Mutant},
};
use serde::Serialize;
use sqlx::FromRow;

use crate::{Conn, Result, appends::json};

/// For how long a claimed job is its claimer's. Whoever has not finished by then may be dead, and others try.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a job is tried before it is given up: for somewhat more than an hour, by its growing pauses.
pub const TRIES: i64 = 13;
/// The pause after the first try that failed; each further one doubles it.
const FIRST_PAUSE: i64 = 1_000;

statements! {
    ADD = "INSERT INTO jobs (kind, subject, due_at) VALUES ($1, $2, $3)
           ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at, tries = 0, claim = jobs.claim + 1,
                failed_at = NULL, error = NULL";
    ADD_ONCE = "INSERT INTO jobs (kind, subject, due_at) VALUES ($1, $2, $3) ON CONFLICT (kind, subject) DO NOTHING";
    REMOVE = "DELETE FROM jobs WHERE kind = $1 AND subject = $2";
    /// Kinds that a later version has brought are left to its nodes.
    NEXT = "SELECT due_at FROM jobs
            WHERE failed_at IS NULL AND kind IN (SELECT j.value ->> 'v' FROM json_each($1) AS j)
            ORDER BY due_at LIMIT 1";
    DUE = "SELECT kind, subject, due_at FROM jobs
           WHERE failed_at IS NULL AND due_at <= $1 AND kind IN (SELECT j.value ->> 'v' FROM json_each($2) AS j)
           ORDER BY due_at, kind, subject LIMIT CAST($3 AS BIGINT)";
    CLAIM = "UPDATE jobs SET due_at = $2, tries = tries + 1, claim = claim + 1
             WHERE (kind, subject) IN
                (SELECT j.value ->> 'k', CAST(j.value ->> 's' AS BIGINT) FROM json_each($1) AS j)
             RETURNING kind, subject, tries, claim";
    FINISH = "DELETE FROM jobs WHERE kind = $1 AND subject = $2 AND claim = $3 AND failed_at IS NULL";
    RETRY = "UPDATE jobs SET due_at = $4, error = $5
             WHERE kind = $1 AND subject = $2 AND claim = $3 AND failed_at IS NULL";
    GIVE_UP = "UPDATE jobs SET failed_at = $4, error = $5
               WHERE kind = $1 AND subject = $2 AND claim = $3 AND failed_at IS NULL";
    FAILED = "SELECT kind, subject, tries, failed_at, error FROM jobs WHERE failed_at IS NOT NULL
              ORDER BY failed_at, kind, subject LIMIT CAST($1 AS BIGINT)";
    AGAIN = "UPDATE jobs SET due_at = $3, tries = 0, claim = claim + 1, failed_at = NULL, error = NULL
             WHERE kind = $1 AND subject = $2 AND failed_at IS NOT NULL";
    COUNTS = "SELECT (SELECT COUNT(*) FROM jobs WHERE failed_at IS NULL),
                     (SELECT COUNT(*) FROM jobs WHERE failed_at IS NOT NULL)";
    OVERDUE = "SELECT COUNT(*) FROM jobs WHERE failed_at IS NULL AND due_at <= $1";
}

/// The kind of a job. Its name stands in the database and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Remind somebody; the subject is a reminder.
    Reminder,
    /// Remove a file that was given up, or for which no message has come; the subject is the file's number.
    File,
    /// Remove the parts of an upload that has become a file, or was not whole in time; the subject is its number.
    Upload,
    /// Have those follow a thread who take part in it; the subject is the message with which they do.
    Follow,
    /// Look at the page behind the link of a message; the subject is the message.
    Preview,
    /// Decide who is told on a device of a conversation's new messages; the subject is the conversation.
    Push,
    /// Tell a device what waits for it, or remove it if its session is over; the subject is the device.
    PushDevice,
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Self] =
        &[Self::Reminder, Self::File, Self::Upload, Self::Follow, Self::Preview, Self::Push, Self::PushDevice];

    /// Its name in the database, in the log and in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reminder => "reminder",
            Self::File => "file",
            Self::Upload => "upload",
            Self::Follow => "follow",
            Self::Preview => "preview",
            Self::Push => "push",
            Self::PushDevice => "push_device",
        }
    }

    /// The kind of this name; nothing if a later version has it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// A job that was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its kind.
    pub kind: Kind,
    /// The id of the row that it is about.
    pub subject: i64,
    /// How often it was claimed, this time included.
    pub tries: i64,
    /// When it was due: at first, by its last pause, or by the lease of a claim that ran out.
    pub due_at: Millis,
    /// Which claim this is.
    claim: i64,
}

impl Job {
    /// How long to wait before the next try, in milliseconds; nothing if it is given up.
    #[must_use]
    pub fn pause(&self) -> Option<i64> {
        let doublings = u32::try_from(self.tries - 1).unwrap_or(0).min(30);
        (self.tries < TRIES).then_some(FIRST_PAUSE << doublings)
    }
}

/// A job that was given up.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Failed {
    /// The name of its kind, which may be one that only a later version knows.
    pub kind: String,
    /// The id of the row that it is about.
    pub subject: i64,
    /// How often it was tried.
    pub tries: i64,
    /// When it was given up, in milliseconds since 1970.
    pub failed_at: i64,
    /// The code of the error with which its last try ended.
    pub error: Option<String>,
}

/// Adds a job that is due at a moment. One of the same kind and subject that is there is then due at that moment, and
/// whatever was tried of it is forgotten.
///
/// # Errors
/// Those of the database.
pub async fn add(conn: &mut Conn, kind: Kind, subject: i64, due_at: Millis) -> Result<()> {
    sql!(conn, execute, ADD, kind.name(), subject, due_at.0)?;
    Ok(())
}

/// Adds a job unless one of the same kind and subject is there, whatever became of that one. Whoever does such a job
/// looks, in the transaction that ends it, whether there is more to do.
///
/// # Errors
/// Those of the database.
pub async fn add_once(conn: &mut Conn, kind: Kind, subject: i64, due_at: Millis) -> Result<()> {
    sql!(conn, execute, ADD_ONCE, kind.name(), subject, due_at.0)?;
    Ok(())
}

/// Takes a job back whose cause is gone.
///
/// # Errors
/// Those of the database.
pub async fn remove(conn: &mut Conn, kind: Kind, subject: i64) -> Result<()> {
    sql!(conn, execute, REMOVE, kind.name(), subject)?;
    Ok(())
}

/// When the next job of one of these kinds is due, if there is one; perhaps long ago, if other nodes have claimed it just
/// now.
///
/// # Errors
/// Those of the database.
pub async fn next(conn: &mut Conn, kinds: &[Kind]) -> Result<Option<Millis>> {
    let due_at = sql!(conn, fetch_optional as (i64,), NEXT, names(kinds)?)?;
    Ok(due_at.map(|(due_at,)| Millis(due_at)))
}

/// Kinds as the parameter of a statement.
fn names(kinds: &[Kind]) -> Result<String> {
    #[derive(Serialize)]
    struct Known {
        v: &'static str,
    }
    json(&kinds.iter().map(|kind| Known { v: kind.name() }).collect::<Vec<_>>())
}

/// Claims jobs of these kinds that are due, at most so many, until their lease runs out. Those that another node is
/// claiming at this moment are passed over, not waited for.
///
/// # Errors
/// Those of the database.
pub async fn claim(conn: &mut Conn, kinds: &[Kind], limit: i64, now: Millis) -> Result<Vec<Job>> {
    #[derive(Serialize)]
    struct Row<'a> {
        k: &'a str,
        s: i64,
    }
    let due = due(conn, kinds, limit, now).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<_> = due.iter().map(|(kind, subject, _)| Row { k: kind, s: *subject }).collect();
    let lease = match mutants::is(Mutant::ClaimForGood) {
        true => i64::MAX / 4,
        false => i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX),
    };
    let claimed = sql!(conn, fetch_all as (String, i64, i64, i64), CLAIM, json(&rows)?, now.plus(lease).0)?;
    let mut jobs: Vec<Job> = claimed
        .into_iter()
        .filter_map(|(kind, subject, tries, claim)| {
            let due_at = due.iter().find(|(k, s, _)| (k, *s) == (&kind, subject))?.2;
            Some(Job { kind: Kind::from_name(&kind)?, subject, tries, due_at: Millis(due_at), claim })
        })
        .collect();
    jobs.sort_by_key(|job| (job.due_at, job.subject));
    Ok(jobs)
}

/// Kind, subject and moment of what may be claimed; on PostgreSQL these rows are then locked.
async fn due(conn: &mut Conn, kinds: &[Kind], limit: i64, now: Millis) -> Result<Vec<(String, i64, i64)>> {
    let known = names(kinds)?;
    // SQLite has one writer.
    if let Conn::Postgres(c) = conn {
        let locked = sqlx::AssertSqlSafe(format!("{DUE} FOR UPDATE SKIP LOCKED"));
        let rows = sqlx::query_as(locked).bind(now.0).bind(known).bind(limit).fetch_all(&mut **c);
        return Ok(in_time!(c, rows)?);
    }
    sql!(conn, fetch_all as (String, i64, i64), DUE, now.0, known, limit)
}

/// Ends a job that is done, in the transaction of its effect. Whether it still was this claim's to do: if not, nothing
/// may be done.
///
/// # Errors
/// Those of the database.
pub async fn finish(conn: &mut Conn, job: &Job) -> Result<bool> {
    Ok(sql!(conn, execute, FINISH, job.kind.name(), job.subject, job.claim)? == 1)
}

/// Notes that a try has failed, with the error's code: the job is tried again after its pause, or given up. Whether it
/// is given up. Nothing is noted of a claim that ran out.
///
/// # Errors
/// Those of the database.
pub async fn fail(conn: &mut Conn, job: &Job, error: &str, now: Millis) -> Result<bool> {
    let Job { kind, subject, claim, .. } = *job;
    match job.pause() {
        Some(pause) => {
            sql!(conn, execute, RETRY, kind.name(), subject, claim, now.plus(pause).0, error)?;
            Ok(false)
        }
        None => Ok(sql!(conn, execute, GIVE_UP, kind.name(), subject, claim, now.0, error)? == 1),
    }
}

/// Has a claimed job tried again after a pause of its own, without counting this try as one that failed.
///
/// # Errors
/// Those of the database.
pub async fn put_off(conn: &mut Conn, job: &Job, until: Millis, error: &str) -> Result<()> {
    sql!(conn, execute, RETRY, job.kind.name(), job.subject, job.claim, until.0, error)?;
    Ok(())
}

/// The jobs that were given up, at most so many, the oldest first.
///
/// # Errors
/// Those of the database.
pub async fn failed(conn: &mut Conn, limit: i64) -> Result<Vec<Failed>> {
    sql!(conn, fetch_all as Failed, FAILED, limit)
}

/// Has a job that was given up tried again. Whether there was one.
///
/// # Errors
/// Those of the database.
pub async fn again(conn: &mut Conn, kind: &str, subject: i64, now: Millis) -> Result<bool> {
    Ok(sql!(conn, execute, AGAIN, kind, subject, now.0)? == 1)
}

/// How many jobs wait, and how many were given up.
///
/// # Errors
/// Those of the database.
pub async fn counts(conn: &mut Conn) -> Result<(i64, i64)> {
    sql!(conn, fetch_one as (i64, i64), COUNTS)
}

/// How many jobs were due at a moment and are not done.
///
/// # Errors
/// Those of the database.
pub async fn overdue(conn: &mut Conn, at: Millis) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), OVERDUE, at.0)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_after_more_than_an_hour() {
        let job = |tries| Job { kind: Kind::Reminder, subject: 1, tries, due_at: Millis(0), claim: 1 };
        let pauses: Vec<i64> = (1..).map_while(|tries| job(tries).pause()).collect();
        assert_eq!(pauses[..4], [1_000, 2_000, 4_000, 8_000]);
        assert_eq!(pauses.len() as i64, TRIES - 1);
        assert!((3_600_000..7_200_000).contains(&pauses.iter().sum::<i64>()), "{pauses:?}");
    }

    #[test]
    fn each_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
        }
        assert_eq!(Kind::from_name("of a later version"), None);
    }
}
