//! Names in the database: what somebody is called in SQL, and the keys by which names are compared and found.
//!
//! No database folds names as Unicode does, so the keys are made in Rust ([`chat::names`]). Rows that lack theirs, since
//! they are from before there were keys or were written by a program of an earlier version, get them at the next start;
//! all rows do when the tables of Unicode have changed.

use chat::{
    Millis,
    accounts::Profile,
    names::{VERSION, words},
};
use serde::Serialize;
use sqlx::FromRow;

use crate::{Conn, Db, Result, appends::json};

/// [`chat::accounts::Account::shown_name`] of the table `users` under the name `u`.
macro_rules! shown_name {
    () => {
        "COALESCE(NULLIF(TRIM(u.display_name), ''), \
                  NULLIF(TRIM(COALESCE(u.first_name, '') || ' ' || COALESCE(u.last_name, '')), ''), u.username)"
    };
}

/// Whether the words of a row's names have all the patterns of [`Sought`]. A row of an earlier program has its key
/// instead.
macro_rules! names_hold {
    ($longest:literal, $all:literal, $key:literal) => {
        names_hold!($longest, $all, $key, "")
    };
    ($longest:literal, $all:literal, $key:literal, $of:literal) => {
        concat!(
            names_hold!(words $key, $of),
            " LIKE ",
            $longest,
            " ESCAPE '\\' AND NOT EXISTS (SELECT 1 FROM json_each(",
            $all,
            ") AS j WHERE ",
            names_hold!(words $key, $of),
            " NOT LIKE j.value ->> 'v' ESCAPE '\\')"
        )
    };
    (words $key:literal, $of:literal) => {
        concat!("COALESCE(", $of, "search_key, ' ' || ", $key, ")")
    };
}

pub(crate) mod people;
pub(crate) mod rooms;

statements! {
    OF_VERSION = "SELECT value FROM meta WHERE key = 'names'";
    SET_VERSION = "INSERT INTO meta (key, value) VALUES ('names', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    FOUND = "INSERT INTO name_findings (noun, subject, what, was, name, other, found_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (noun, subject, what) DO UPDATE SET was = excluded.was, name = excluded.name, other = excluded.other, \
             found_at = excluded.found_at";
    /// The findings that still hold.
    FINDINGS = "SELECT f.noun, f.subject, f.what, f.was, f.name, f.other FROM name_findings f
                WHERE EXISTS (SELECT 1 FROM conversations c WHERE f.noun = 'room' AND c.id = f.subject AND c.name = f.name
                              AND (f.what = 'renamed' OR (c.look_key IS NULL AND c.visibility = 'public')))
                OR EXISTS (SELECT 1 FROM users u WHERE f.noun = 'user' AND u.id = f.subject AND u.look_key IS NULL
                           AND u.deactivated_at IS NULL)
                ORDER BY f.what DESC, f.noun, f.subject LIMIT CAST($1 AS BIGINT)";
}

/// Rows whose keys are made in one transaction.
const BATCH: i64 = 200;

/// The words of all names of an account.
pub(crate) fn search_key(username: &str, p: &Profile) -> String {
    let names = [Some(username), p.display_name.as_deref(), p.first_name.as_deref(), p.last_name.as_deref()];
    chat::names::search_key(names.into_iter().flatten())
}

/// Of what an account's keys are made, as `people::STALE` writes it.
pub(crate) fn keyed(username: &str, email: Option<&str>, p: &Profile) -> String {
    let names = [email, p.display_name.as_deref(), p.first_name.as_deref(), p.last_name.as_deref()];
    [Some(username)].into_iter().chain(names).map(Option::unwrap_or_default).collect::<Vec<_>>().join("|")
}

/// Of what a conversation's keys are made, as `rooms::STALE` writes it.
pub(crate) fn keyed_room(visibility: &str, name: &str) -> String {
    format!("{visibility}|{name}")
}

/// The patterns for `names_hold!` of what somebody searches.
pub(crate) struct Sought {
    /// That of the longest word, by which most rows are passed over without a look at the others.
    pub longest: String,
    /// Those of all words, as JSON.
    pub all: String,
}

impl Sought {
    pub(crate) fn new(search: &str) -> Result<Self> {
        #[derive(Serialize)]
        struct Pattern {
            v: String,
        }
        let words = words(search);
        let pattern = |word: &String| format!("% {}", beginning_with(word));
        let longest = words.iter().max_by_key(|word| word.len()).map_or_else(|| "%".to_owned(), pattern);
        let all = json(&words.iter().map(|word| Pattern { v: pattern(word) }).collect::<Vec<_>>())?;
        Ok(Self { longest, all })
    }
}

/// The pattern of what begins with this, which is itself no pattern.
pub(crate) fn beginning_with(text: &str) -> String {
    format!("{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// The outcome for names when their keys were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Rooms, groups and accounts whose keys were made.
    pub keyed: u64,
    /// Names out of which characters were taken that are not to be seen.
    pub cleaned: u64,
    /// Rooms that have another name now, since an older one had theirs.
    pub renamed: u64,
    /// Rooms and accounts whose name looks like an older one's.
    pub alike: u64,
}

/// Something that an operator should know of a name.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct NameFinding {
    /// `user` or `room`.
    pub noun: String,
    /// Its id.
    pub subject: i64,
    /// `renamed`: an older room had the name already. `alike`: the name of an older one looks the same.
    pub what: String,
    /// A room's name before.
    pub was: Option<String>,
    /// Its name since.
    pub name: Option<String>,
    /// The id of the older one.
    pub other: i64,
}

/// A finding while keys are made.
pub(crate) struct Found<'a> {
    noun: &'static str,
    subject: i64,
    what: &'static str,
    was: Option<&'a str>,
    name: Option<&'a str>,
    other: i64,
}

pub(crate) async fn note(conn: &mut Conn, found: &Found<'_>, now: Millis) -> Result<()> {
    let Found { noun, subject, what, was, name, other } = *found;
    tracing::warn!(
        noun,
        subject,
        what,
        other,
        "a name could not stay as it was, or looks like another; see `palabre doctor`"
    );
    sql!(conn, execute, FOUND, noun, subject, what, was, name, other, now.0)?;
    Ok(())
}

/// Findings about names that still hold, at most so many.
///
/// # Errors
/// Those of the database.
pub async fn findings(conn: &mut Conn, limit: i64) -> Result<Vec<NameFinding>> {
    sql!(conn, fetch_all as NameFinding, FINDINGS, limit)
}

impl Db {
    /// Makes the keys of names where there are none, or all of them if they are of other tables than this program's, and
    /// cleans names of what is not to be seen. Where two public rooms then have one name, the newer one's gets a number.
    ///
    /// Before the writer is started. A conversation or an account whose name changes takes its next number for it.
    ///
    /// # Errors
    /// Those of the database. What was done until then is kept, and the next start goes on.
    pub async fn settle_names(&self, now: Millis) -> Result<Settled> {
        let node = self.node();
        let conn = &mut self.write().await?;
        let kept = sql!(conn, fetch_optional as (String,), OF_VERSION)?;
        let all = kept.is_none_or(|(version,)| version != VERSION);
        let mut settled = Settled::default();
        let mut after = Some(0);
        while let Some(id) = after {
            begin(conn).await?;
            let work = rooms::settle(conn, id, all, now, &mut settled).await;
            after = ended(conn, work).await?;
        }
        after = Some(0);
        while let Some(id) = after {
            begin(conn).await?;
            let work = people::settle(conn, id, all, (node, now), &mut settled).await;
            after = ended(conn, work).await?;
        }
        sql!(conn, execute, SET_VERSION, VERSION)?;
        Ok(settled)
    }
}

async fn begin(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(_) => conn.run("BEGIN IMMEDIATE").await,
        Conn::Postgres(_) => conn.run("BEGIN").await,
    }
}

/// Commits what `work` did, or rolls it back.
async fn ended<T>(conn: &mut Conn, work: Result<T>) -> Result<T> {
    match work {
        Ok(value) => conn.run("COMMIT").await.map(|()| value),
        Err(error) => {
            // The first error is the one to tell; a connection that is gone has rolled back by itself.
            let _gone = conn.run("ROLLBACK").await;
            Err(error)
        }
    }
}
