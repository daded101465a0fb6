//! Invalidations: what nodes tell each other through the database, so that it arrives whatever becomes of Redis.
//!
//! An invalidation says at whom to look again, never what there is to see: the other tables say that. It is written in the
//! transaction of the change itself, so that no change that must be obeyed can go without.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::{Duration, Instant},
};

use chat::{Millis, Number, Outgoing, UserId};
use serde::Serialize;
use sqlx::FromRow;

use crate::{Conn, Result, appends::json};

statements! {
    ADD = "INSERT INTO nudges (at, node, what, user_id, number)
           SELECT $2, $3, j.value ->> 'w', CAST(j.value ->> 'u' AS BIGINT), CAST(j.value ->> 'n' AS BIGINT)
           FROM json_each($1) AS j ORDER BY j.key";
    NEWEST = "SELECT COALESCE(MAX(id), 0) FROM nudges";
    AFTER = "SELECT id, node, what, user_id, number FROM nudges WHERE id > $1 ORDER BY id LIMIT CAST($2 AS BIGINT)";
    /// The newest stays: by its place is seen that the database has not come back with less.
    FORGET = "DELETE FROM nudges WHERE id <= $1 AND id < (SELECT MAX(id) FROM nudges)";
}

/// How long an invalidation is kept at least. A node that has read none for half of this starts over with everything.
pub const KEPT: Duration = Duration::from_mins(10);

/// At what to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Invalidation {
    /// Whether this person's account and sessions still allow what their connections do.
    Standing(UserId),
    /// This person's account has changed, up to this number.
    Account(UserId, Number),
    /// A node cannot tell the others of events: heads must be asked for.
    Mute,
}

impl Invalidation {
    /// How it is written: a word, whom it is about, and up to which number.
    #[must_use]
    pub fn parts(self) -> (&'static str, Option<UserId>, Option<Number>) {
        match self {
            Self::Standing(user) => ("standing", Some(user), None),
            Self::Account(user, number) => ("account", Some(user), Some(number)),
            Self::Mute => ("mute", None, None),
        }
    }

    /// Reads what [`Invalidation::parts`] has written; nothing if a version has that says it otherwise.
    #[must_use]
    pub fn from_parts(what: &str, user: Option<UserId>, number: Option<Number>) -> Option<Self> {
        Some(match what {
            "standing" => Self::Standing(user?),
            "account" => Self::Account(user?, number?),
            "mute" => Self::Mute,
            _ => return None,
        })
    }
}

/// The invalidations of a commit, for other nodes: each account once, up to its last number.
#[must_use]
pub fn of(committed: &[Outgoing]) -> Vec<Invalidation> {
    let mut invalidations: Vec<Invalidation> = Vec::new();
    let mut places: HashMap<UserId, usize> = HashMap::new();
    for told in committed {
        match told {
            Outgoing::Revocation(revocation) => invalidations.push(Invalidation::Standing(revocation.user())),
            Outgoing::Account(event) => {
                let invalidation = Invalidation::Account(event.account, event.number);
                match places.entry(event.account) {
                    Entry::Occupied(place) => invalidations[*place.get()] = invalidation,
                    Entry::Vacant(place) => {
                        place.insert(invalidations.len());
                        invalidations.push(invalidation);
                    }
                }
            }
            Outgoing::Event(_) | Outgoing::Notice(_) | Outgoing::Doubt | Outgoing::NewHistory => {}
        }
    }
    invalidations
}

/// An invalidation as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its place; places may become visible out of order.
    pub id: i64,
    /// Which node said it.
    pub node: i64,
    /// What; nothing if a later version said it.
    pub invalidation: Option<Invalidation>,
}

/// Writes invalidations of a node.
///
/// # Errors
/// Those of the database.
pub async fn add(conn: &mut Conn, invalidations: &[Invalidation], node: i64, now: Millis) -> Result<()> {
    #[derive(Serialize)]
    struct Row {
        w: &'static str,
        u: Option<i64>,
        n: Option<i64>,
    }
    if invalidations.is_empty() {
        return Ok(());
    }
    let row = |invalidation: &Invalidation| {
        let (w, user, number) = invalidation.parts();
        Row { w, u: user.map(|id| id.0), n: number.map(|number| number.0) }
    };
    let rows: Vec<Row> = invalidations.iter().map(row).collect();
    sql!(conn, execute, ADD, json(&rows)?, now.0, node)?;
    Ok(())
}

/// The place of the newest invalidation; 0 if there is none.
///
/// # Errors
/// Those of the database.
pub async fn newest(conn: &mut Conn) -> Result<i64> {
    let (id,) = sql!(conn, fetch_one as (i64,), NEWEST)?;
    Ok(id)
}

#[derive(FromRow)]
struct KeptRow {
    id: i64,
    node: i64,
    what: String,
    user_id: Option<i64>,
    number: Option<i64>,
}

/// The invalidations after a place, at most so many, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn after(conn: &mut Conn, id: i64, limit: i64) -> Result<Vec<Kept>> {
    let rows = sql!(conn, fetch_all as KeptRow, AFTER, id, limit)?;
    let read = |row: KeptRow| {
        let invalidation = Invalidation::from_parts(&row.what, row.user_id.map(UserId), row.number.map(Number));
        Kept { id: row.id, node: row.node, invalidation }
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Forgets invalidations up to this place.
///
/// # Errors
/// Those of the database.
pub async fn forget(conn: &mut Conn, place: i64) -> Result<()> {
    sql!(conn, execute, FORGET, place)?;
    Ok(())
}

/// Which invalidations are older than [`KEPT`]: by how long this node has seen them, for the clocks of the nodes that wrote
/// them may be wrong.
#[derive(Debug, Default)]
pub struct Aging(VecDeque<(Instant, i64)>);

impl Aging {
    /// Notes the newest place; returns up to which place invalidations may be forgotten, if that is news.
    pub fn note(&mut self, newest: i64, now: Instant) -> Option<i64> {
        self.0.push_back((now, newest));
        let mut old = None;
        while let Some((at, place)) = self.0.front().copied()
            && now.duration_since(at) >= KEPT
        {
            old = Some(place);
            self.0.pop_front();
        }
        old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalidations_are_old_when_they_were_seen_long_ago() {
        let (begin, mut aging) = (Instant::now(), Aging::default());
        let minutes = |count: u64| begin + Duration::from_mins(count);
        assert_eq!(aging.note(7, begin), None);
        assert_eq!(aging.note(9, minutes(5)), None);
        assert_eq!(aging.note(20, minutes(10)), Some(7));
        assert_eq!(aging.note(20, minutes(11)), None);
        assert_eq!(aging.note(30, minutes(30)), Some(20));
    }
}
