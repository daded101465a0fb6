//! Nudges: what nodes tell each other through the database, so that it arrives whatever becomes of Redis.
//!
//! A nudge says at whom to look again, never what there is to see: the other tables say that. It is written in the
//! transaction of the change itself, so that no change that must be obeyed can go without.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::{Duration, Instant},
};

use chat::{Millis, Number, Told, UserId};
use serde::Serialize;
use sqlx::FromRow;

use crate::{Conn, Result, appends::json};

statements! {
    ADD = "INSERT INTO nudges (at, node, what, user_id, number)
           SELECT $2, $3, j.value ->> 'w', CAST(j.value ->> 'u' AS BIGINT), CAST(j.value ->> 'n' AS BIGINT)
           FROM json_each($1) AS j ORDER BY j.key";
    NEWEST = "SELECT COALESCE(MAX(id), 0) FROM nudges";
    AFTER = "SELECT id, node, what, user_id, number FROM nudges WHERE id > $1 ORDER BY id LIMIT $2";
    /// The newest stays: by its place is seen that the database has not come back with less.
    FORGET = "DELETE FROM nudges WHERE id <= $1 AND id < (SELECT MAX(id) FROM nudges)";
}

/// How long a nudge is kept at least. A node that has read none for half of this starts over with everything.
pub const KEPT: Duration = Duration::from_mins(10);

/// At what to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nudge {
    /// Whether this person's account and sessions still allow what their connections do.
    Standing(UserId),
    /// What has changed of this person's account, up to this number.
    Account(UserId, Number),
    /// A node cannot tell the others of events: heads must be asked for.
    Mute,
}

impl Nudge {
    /// How it is written: a word, whom it is about, and up to which number.
    #[must_use]
    pub fn parts(self) -> (&'static str, Option<UserId>, Option<Number>) {
        match self {
            Self::Standing(user) => ("standing", Some(user), None),
            Self::Account(user, number) => ("account", Some(user), Some(number)),
            Self::Mute => ("mute", None, None),
        }
    }

    /// Reads what [`Nudge::parts`] has written; nothing if a version has that says it otherwise.
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

/// What other nodes must look at again after this was committed: each account once, up to its last number.
#[must_use]
pub fn of(committed: &[Told]) -> Vec<Nudge> {
    let mut nudges: Vec<Nudge> = Vec::new();
    let mut places: HashMap<UserId, usize> = HashMap::new();
    for told in committed {
        match told {
            Told::Order(order) => nudges.push(Nudge::Standing(order.user())),
            Told::Account(event) => {
                let nudge = Nudge::Account(event.account, event.number);
                match places.entry(event.account) {
                    Entry::Occupied(place) => nudges[*place.get()] = nudge,
                    Entry::Vacant(place) => {
                        place.insert(nudges.len());
                        nudges.push(nudge);
                    }
                }
            }
            Told::Event(_) | Told::Notice(_) | Told::Doubt | Told::NewHistory => {}
        }
    }
    nudges
}

/// A nudge as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its place; places may become visible out of order.
    pub id: i64,
    /// Which node said it.
    pub node: i64,
    /// What; nothing if a later version said it.
    pub nudge: Option<Nudge>,
}

/// Writes nudges of a node.
///
/// # Errors
/// Those of the database.
pub async fn add(conn: &mut Conn, nudges: &[Nudge], node: i64, now: Millis) -> Result<()> {
    #[derive(Serialize)]
    struct Row {
        w: &'static str,
        u: Option<i64>,
        n: Option<i64>,
    }
    if nudges.is_empty() {
        return Ok(());
    }
    let row = |nudge: &Nudge| {
        let (w, user, number) = nudge.parts();
        Row { w, u: user.map(|id| id.0), n: number.map(|number| number.0) }
    };
    let rows: Vec<Row> = nudges.iter().map(row).collect();
    sql!(conn, execute, ADD, json(&rows)?, now.0, node)?;
    Ok(())
}

/// The place of the newest nudge; 0 if there is none.
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

/// The nudges after a place, at most so many, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn after(conn: &mut Conn, id: i64, limit: i64) -> Result<Vec<Kept>> {
    let rows = sql!(conn, fetch_all as KeptRow, AFTER, id, limit)?;
    let read = |row: KeptRow| {
        let nudge = Nudge::from_parts(&row.what, row.user_id.map(UserId), row.number.map(Number));
        Kept { id: row.id, node: row.node, nudge }
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Forgets nudges up to this place.
///
/// # Errors
/// Those of the database.
pub async fn forget(conn: &mut Conn, place: i64) -> Result<()> {
    sql!(conn, execute, FORGET, place)?;
    Ok(())
}

/// Which nudges are older than [`KEPT`]: by how long this node has seen them, for the clocks of the nodes that wrote
/// them may be wrong.
#[derive(Debug, Default)]
pub struct Aging(VecDeque<(Instant, i64)>);

impl Aging {
    /// Notes the newest place; returns up to which place nudges may be forgotten, if that is news.
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
    fn nudges_are_old_when_they_were_seen_long_ago() {
        let (begin, mut aging) = (Instant::now(), Aging::default());
        let minutes = |count: u64| begin + Duration::from_mins(count);
        assert_eq!(aging.note(7, begin), None);
        assert_eq!(aging.note(9, minutes(5)), None);
        assert_eq!(aging.note(20, minutes(10)), Some(7));
        assert_eq!(aging.note(20, minutes(11)), None);
        assert_eq!(aging.note(30, minutes(30)), Some(20));
    }
}
