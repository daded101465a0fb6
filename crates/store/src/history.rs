//! Whether the database is still the history that this node knows.
//!
//! A database may come back with less than it has acknowledged: a standby that was behind was promoted, a snapshot was
//! put in the place of the files. Its numbers are then given out again, to other changes. So each node counts its own
//! transactions in its row of `nodes`, in each of them ([`pass`]), and remembers what it was told is committed. A row
//! that is behind that, its own or another's, is a **lost mark**: the proof of another history, also where heads have
//! grown past what was lost. With a synchronous standby no mark is ever lost.
//!
//! The node that finds it first begins a new history ([`renew`]): another epoch, by comparing and setting in one
//! transaction. All others find at their next transaction, or by the reading of every second, that the epoch is not
//! theirs. Nothing is ever written upon a history that the writing node does not know.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use chat::{
    Millis,
    mutants::{self, Mutant},
};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow, Postgres, pool::PoolConnection};
use tokio::sync::watch;

use crate::{Conn, Db, Error, Result, db::random_id};

statements! {
    EPOCH = "SELECT value FROM meta WHERE key = 'epoch'";
    BEGIN_EPOCH = "INSERT INTO meta (key, value) VALUES ('epoch', $1) ON CONFLICT (key) DO NOTHING";
    REPLACE_EPOCH = "UPDATE meta SET value = $2 WHERE key = 'epoch' AND value = $1";
    RECORD = "SELECT value FROM meta WHERE key = 'history'";
    SET_RECORD = "INSERT INTO meta (key, value) VALUES ('history', $1)
                  ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    /// Access tokens name a session: what was lost must never be given to somebody else.
    SKIP_SESSIONS = "UPDATE counters SET value = value + $1 WHERE name = 'session'";
    ENTER = "INSERT INTO nodes (id, mark, seen_at)
             SELECT CAST($1 AS BIGINT), 1, CAST($2 AS BIGINT)
             WHERE EXISTS (SELECT 1 FROM meta WHERE key = 'epoch' AND value = $3)";
    PASS = "UPDATE nodes SET mark = $2, seen_at = $3
            WHERE id = $1 AND mark = $2 - 1 AND EXISTS (SELECT 1 FROM meta WHERE key = 'epoch' AND value = $4)";
    MARKS = "SELECT id, mark, seen_at FROM nodes WHERE seen_at > $1";
    FORGET = "DELETE FROM nodes WHERE seen_at < $1 AND id <> $2";
}

/// Session ids that are left out where a history begins.
pub(crate) const SESSIONS_AHEAD: i64 = 1_000_000;
/// How long, in milliseconds, a node's mark is compared after it was last raised.
const REMEMBERED: i64 = 10 * 60_000;
/// How long, in milliseconds, the row of a node is kept that says nothing any more.
const KEPT: i64 = 3 * DAY;
/// How long, in milliseconds, a node misses its own row. Much less than [`KEPT`], so that the others have not forgotten
/// it: what is missing is lost. And more than an outage takes, so that what is lost in it is found.
const MISSED: i64 = DAY;
const DAY: i64 = 24 * 60 * 60_000;

/// Why this history began, as it is kept in the database for operators.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The epoch of the history before.
    pub from: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The evidence, in words.
    pub why: String,
}

/// Which history of the database this is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epoch {
    /// Its random id; empty before it was first read.
    pub id: String,
    /// Whether it took the place of another: then a cursor that does not say its epoch may be of that.
    pub is_later: bool,
}

/// The history as this node knows it. One for each opened database.
pub(crate) struct History {
    epoch: watch::Sender<Epoch>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Epochs that are over. A database that has one of them has come back.
    past: HashSet<String>,
    /// Under which name this node writes, and what is committed of it.
    own: Option<Mark>,
    /// The largest mark that was seen of each node, and when that was set.
    marks: HashMap<i64, (i64, i64)>,
    /// The proof that the database has come back with less.
    lost: Option<String>,
}

/// The finding of a transaction at its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It is this node's history; with its commit the node stands at this mark.
    Known(Mark),
    /// It is another.
    Other,
}

/// How many transactions a node has committed under a name, and when the last began.
#[derive(Clone, Copy, Debug, FromRow, PartialEq, Eq)]
pub(crate) struct Mark {
    id: i64,
    mark: i64,
    seen_at: i64,
}

impl Default for History {
    fn default() -> Self {
        Self { epoch: watch::Sender::new(Epoch::default()), known: Mutex::default() }
    }
}

impl History {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The epoch of the history that this node knows; empty before it was first read.
    fn epoch(&self) -> String {
        self.epoch.borrow().id.clone()
    }

    /// Takes an epoch for the present one. What was known of the one before is forgotten, but for its name.
    fn adopt(&self, epoch: String, record: Option<&Record>) {
        let mut known = self.known();
        let before = self.epoch.send_replace(Epoch { id: epoch.clone(), is_later: record.is_some() });
        let mut past = std::mem::take(&mut known.past);
        past.extend([before.id, record.map(|record| record.from.clone()).unwrap_or_default()]);
        past.retain(|old| !old.is_empty() && *old != epoch);
        *known = Known { past, ..Known::default() };
    }

    /// The transaction was committed.
    pub(crate) fn passed(&self, mark: Mark) {
        self.known().own = Some(mark);
    }

    /// Whether this node has written nothing for so long that the others may have forgotten its row.
    pub(crate) fn may_be_forgotten(&self, now: Millis) -> bool {
        self.known().own.is_some_and(|own| own.seen_at <= now.0 - MISSED)
    }

    /// It is not known whether it was. The node takes another name; of this one is sure what was before.
    pub(crate) fn doubt(&self) {
        let mut known = self.known();
        if let Some(own) = known.own.take() {
            known.marks.insert(own.id, (own.mark, own.seen_at));
        }
    }

    /// False, and not noted, if it was seen in another history than the present one.
    fn note_lost(&self, epoch: &str, why: String) -> bool {
        // Held while the epoch is looked at: `adopt` does so, too.
        let mut known = self.known();
        let is_present = self.epoch() == epoch;
        if is_present {
            known.lost.get_or_insert(why);
        }
        is_present
    }

    fn lost(&self) -> Option<String> {
        self.known().lost.clone()
    }
}

impl Known {
    /// Whether nothing was seen committed that could be missing.
    fn has_seen_nothing(&self) -> bool {
        self.own.is_none() && self.marks.is_empty() && self.lost.is_none()
    }

    /// Compares what was read with what was known before the reading began; notes what is newer.
    fn compare(&mut self, before: &HashMap<i64, (i64, i64)>, read: &[Mark], since: i64) -> Option<String> {
        let found: HashMap<i64, i64> = read.iter().map(|row| (row.id, row.mark)).collect();
        let behind = before.iter().find_map(|(node, (mark, seen_at))| match found.get(node) {
            Some(found) if found < mark => Some((*mark, *found)),
            // Not asked for, if it is older.
            None if *seen_at > since => Some((*mark, 0)),
            _ => None,
        });
        if let Some((known, found)) = behind {
            return Some(format!("a node had committed {known} transactions, of which {found} are there"));
        }
        for row in read {
            let known = self.marks.entry(row.id).or_insert((0, 0));
            *known = (known.0.max(row.mark), known.1.max(row.seen_at));
        }
        self.marks.retain(|_, (_, seen_at)| *seen_at > since);
        None
    }
}

impl Db {
    /// The random id of this history of the database, made when it is first asked for.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn epoch(&self) -> Result<String> {
        let conn = &mut self.write().await?;
        learn(conn, self.history()).await?;
        Ok(self.history().epoch())
    }

    /// The epoch that this node knows, and each that follows it. Empty before [`Db::epoch`] was asked for.
    #[must_use]
    pub fn epochs(&self) -> watch::Receiver<Epoch> {
        self.history().epoch.subscribe()
    }

    /// Compares the nodes' marks and the epoch with what this node knows; false if the database is another history
    /// than this node's. Then the next transaction of the writer, also an empty one, sees to what follows.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn is_same_history(&self, conn: &mut Conn, now: Millis) -> Result<bool> {
        let history = self.history();
        let before = {
            let known = history.known();
            let mut marks = known.marks.clone();
            marks.extend(known.own.map(|own| (own.id, (own.mark, own.seen_at))));
            (history.epoch(), marks)
        };
        let since = now.0 - REMEMBERED;
        let read = sql!(conn, fetch_all as Mark, MARKS, since)?;
        let (epoch,) = sql!(conn, fetch_one as (String,), EPOCH)?;
        let mut known = history.known();
        if history.epoch() != before.0 {
            // Another has been begun meanwhile; what was read may be of the one before.
            return Ok(true);
        }
        if epoch != before.0 {
            return Ok(false);
        }
        if mutants::is(Mutant::KeepHistory) {
            return Ok(true);
        }
        if let Some(why) = known.compare(&before.1, &read, since) {
            known.lost.get_or_insert(why);
        }
        Ok(known.lost.is_none())
    }

    /// Notes that something is gone which was seen committed in the history with this epoch: the writer's next
    /// transaction begins a new one. False, and not noted, if that history is over already.
    pub fn note_lost(&self, epoch: &str, why: String) -> bool {
        !mutants::is(Mutant::KeepHistory) && self.history().note_lost(epoch, why)
    }

    /// Begins a new history in the place of whichever there is, by an operator's wish. Returns its epoch.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn renew_epoch(&self, why: &str, now: Millis) -> Result<String> {
        let conn = &mut self.write().await?;
        learn(conn, self.history()).await?;
        self.history().note_lost(&self.history().epoch(), why.to_owned());
        follow(conn, self.history(), now).await?;
        Ok(self.history().epoch())
    }

    /// Why the present history began, if it took another's place.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn history_record(&self) -> Result<Option<Record>> {
        let mut conn = self.read().await?;
        record(&mut conn).await
    }

    /// Forgets nodes that have not said anything for long, but not this one.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn forget_nodes(&self, conn: &mut Conn, now: Millis) -> Result<()> {
        sql!(conn, execute, FORGET, now.0 - KEPT, self.node())?;
        Ok(())
    }
}

/// The record of the present history, as far as it can be read.
async fn record(conn: &mut Conn) -> Result<Option<Record>> {
    let found = sql!(conn, fetch_optional as (String,), RECORD)?;
    Ok(found.and_then(|(text,)| serde_json::from_str(&text).ok()))
}

/// Writes why the present history began.
pub(crate) async fn set_record(conn: &mut Conn, record: &Record) -> Result<()> {
    let text = serde_json::to_string(record).map_err(|e| Error::Other(format!("a record cannot be written: {e}")))?;
    sql!(conn, execute, SET_RECORD, text)?;
    Ok(())
}

/// Learns the database's epoch, where none is known yet.
async fn learn(conn: &mut Conn, history: &History) -> Result<()> {
    if history.epoch().is_empty() {
        sql!(conn, execute, BEGIN_EPOCH, random_id()?)?;
        let (epoch,) = sql!(conn, fetch_one as (String,), EPOCH)?;
        let record = record(conn).await?;
        history.adopt(epoch, record.as_ref());
    }
    Ok(())
}

/// [`pass`] as a text without parameters, for a node that has a row: PostgreSQL takes it in one round trip with what
/// begins the transaction.
pub(crate) fn passing(history: &History, node: i64, now: Millis) -> Option<(String, Mark)> {
    let epoch = history.epoch().replace('\'', "''");
    let known = history.known();
    let own = known.own.filter(|own| own.id == node && known.lost.is_none())?;
    if mutants::is(Mutant::KeepHistory) {
        return None;
    }
    let mark = own.mark + 1;
    let values = [("$1", node), ("$2", mark), ("$3", now.0)];
    let text = values.iter().fold(PASS.to_owned(), |text, (name, value)| text.replace(name, &value.to_string()));
    Some((text.replace("$4", &format!("'{epoch}'")), Mark { id: node, mark, seen_at: now.0 }))
}

/// Raises this node's mark in a transaction that has just begun, if the database is the history that it knows.
pub(crate) async fn pass(conn: &mut Conn, history: &History, node: i64, now: Millis) -> Result<Passage> {
    learn(conn, history).await?;
    let (epoch, own) = {
        let known = history.known();
        if known.lost.is_some() {
            return Ok(Passage::Other);
        }
        (history.epoch(), known.own.filter(|own| own.id == node))
    };
    let (changed, mark) = match own {
        _ if mutants::is(Mutant::KeepHistory) => (1, 1),
        Some(own) => (sql!(conn, execute, PASS, node, own.mark + 1, now.0, epoch)?, own.mark + 1),
        None => (sql!(conn, execute, ENTER, node, now.0, epoch)?, 1),
    };
    Ok(if changed == 1 { Passage::Known(Mark { id: node, mark, seen_at: now.0 }) } else { Passage::Other })
}

/// Runs a text of several statements on PostgreSQL; how many rows the last one has changed.
pub(crate) async fn run_text(conn: &mut PoolConnection<Postgres>, text: String) -> Result<u64> {
    let results = async {
        let mut changed = 0;
        let mut results = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(&mut **conn);
        while let Some(result) = results.try_next().await? {
            changed = result.left().map_or(changed, |result| result.rows_affected());
        }
        Ok(changed)
    };
    Ok(in_time!(conn, results)?)
}

/// Goes over to the history that the database has, and begins it where nobody has: the epoch is replaced if it is this
/// node's or one before it. False if it is this node's own after all. Not within a transaction.
pub(crate) async fn follow(conn: &mut Conn, history: &History, now: Millis) -> Result<bool> {
    let begin = match conn {
        Conn::Sqlite(_) => "BEGIN IMMEDIATE",
        Conn::Postgres(_) => "BEGIN",
    };
    conn.run(begin).await?;
    match follow_in(conn, history, now).await {
        Ok(None) => {
            conn.run("COMMIT").await?;
            Ok(false)
        }
        Ok(Some(Followed { epoch, record, own })) => {
            conn.run("COMMIT").await?;
            let why = record.as_ref().map(|record| record.why.as_str()).unwrap_or_default();
            tracing::error!(
                %epoch, why, begun_here = own,
                "the database is another history than it was: what was acknowledged may be missing in it; all \
                 connections are told to come back, and all clients read anew"
            );
            metrics::counter!("palabre_history_changes_total").increment(1);
            history.adopt(epoch, record.as_ref());
            Ok(true)
        }
        Err(error) => {
            conn.run("ROLLBACK").await?;
            Err(error)
        }
    }
}

/// The history to go on with.
struct Followed {
    epoch: String,
    record: Option<Record>,
    /// Whether it begins here.
    own: bool,
}

/// The history to go on with; nothing if it is this node's own.
async fn follow_in(conn: &mut Conn, history: &History, now: Millis) -> Result<Option<Followed>> {
    let mine = history.epoch();
    // It may have been made in a transaction that was rolled back: then nothing was ever seen committed.
    if sql!(conn, execute, BEGIN_EPOCH, mine.as_str())? == 1 && history.known().has_seen_nothing() {
        return Ok(None);
    }
    let (there,) = sql!(conn, fetch_one as (String,), EPOCH)?;
    let is_past = history.known().past.contains(&there);
    if there == mine || is_past {
        let why = history.lost().unwrap_or_else(|| {
            if is_past { "the database has an epoch that was over" } else { "this node's last transaction is gone" }
                .to_owned()
        });
        let fresh = random_id()?;
        if sql!(conn, execute, REPLACE_EPOCH, there.as_str(), fresh.as_str())? == 1 {
            sql!(conn, execute, SKIP_SESSIONS, SESSIONS_AHEAD)?;
            let record = Record { from: mine, at: now.0, why };
            set_record(conn, &record).await?;
            return Ok(Some(Followed { epoch: fresh, record: Some(record), own: true }));
        }
    }
    // Another node was quicker, or an operator has put another database here.
    let (epoch,) = sql!(conn, fetch_one as (String,), EPOCH)?;
    Ok(Some(Followed { epoch, record: record(conn).await?, own: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, mark: i64, seen_at: i64) -> Mark {
        Mark { id, mark, seen_at }
    }

    #[test]
    fn a_mark_that_falls_or_is_gone_is_another_history() {
        let mut known = Known::default();
        assert_eq!(known.compare(&HashMap::new(), &[row(1, 5, 100), row(2, 9, 100)], 0), None);
        let before = known.marks.clone();
        assert_eq!(known.compare(&before, &[row(1, 6, 110), row(2, 9, 100)], 0), None);
        assert_eq!(known.marks[&1], (6, 110));
        assert!(known.compare(&known.marks.clone(), &[row(1, 5, 100), row(2, 9, 100)], 0).is_some());
        assert!(known.compare(&known.marks.clone(), &[row(2, 9, 100)], 0).is_some());
    }

    #[test]
    fn what_is_long_ago_is_not_missed() {
        let mut known = Known::default();
        known.compare(&HashMap::new(), &[row(1, 5, 100)], 0);
        assert_eq!(known.compare(&known.marks.clone(), &[], 100), None);
        assert!(known.marks.is_empty());
    }

    #[test]
    fn what_was_known_after_the_reading_began_is_not_held_against_it() {
        let mut known = Known::default();
        known.compare(&HashMap::new(), &[row(1, 5, 100)], 0);
        let before = known.marks.clone();
        // Another reading, begun later, was quicker.
        assert_eq!(known.compare(&before, &[row(1, 8, 120)], 0), None);
        assert_eq!(known.compare(&before, &[row(1, 6, 110)], 0), None);
        assert_eq!(known.marks[&1], (8, 120));
    }
}
