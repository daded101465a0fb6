//! Which node follows which shards, where several nodes share a database: one lease for each follower and shard, by the
//! database's clock. A node renews its leases every second; what has run out is anybody's. Nodes share the shards
//! evenly: each knows by the rows below zero how many there are, takes no more than its share, and gives back what is
//! above it.
//!
//! These statements are PostgreSQL's only: SQLite has one node.

use std::collections::HashMap;

use super::{Follower, SHARDS, Shards};
use crate::{Conn, Result, appends::json_ids, clock};

/// For how long a lease holds that is not renewed, in milliseconds.
const LEASE: i64 = 4_000;

/// For how long after a node's lease has run out the others take note of that: longer than between two looks.
const NOTED: i64 = 5_000;
/// After this time nothing is known of it any more.
const FORGOTTEN: i64 = 60_000;

const PREPARE: &str = "INSERT INTO follower_leases (follower, shard, node, until)
                       SELECT $1, s, 0, 0 FROM generate_series(0, $2 - 1) AS s ON CONFLICT DO NOTHING";
const SAY: &str = "INSERT INTO follower_leases (follower, shard, node, until) VALUES ($1, -$2, $2, $3)
                   ON CONFLICT (follower, shard) DO UPDATE SET until = excluded.until";
const RENEW: &str = "UPDATE follower_leases SET until = $3 WHERE follower = $1 AND node = $2 AND shard >= 0";
const ALL: &str = "SELECT shard, node, until FROM follower_leases WHERE follower = $1";
const TAKE: &str = "UPDATE follower_leases SET node = $2, until = $3
                    WHERE follower = $1 AND until <= $4
                      AND shard IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($5) AS j)
                    RETURNING shard";
const GIVE_BACK: &str = "UPDATE follower_leases SET node = 0, until = 0
                         WHERE follower = $1 AND node = $2
                           AND shard IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($3) AS j)";
const FORGET: &str = "DELETE FROM follower_leases WHERE follower = $1 AND shard < 0 AND until <= $2";
const LEAVE: &str = "DELETE FROM follower_leases WHERE follower = $1 AND shard = -$2";
const HOLD: &str = "SELECT shard FROM follower_leases WHERE follower = $1 AND node = $2 AND until > $3 AND shard >= 0
                    FOR UPDATE";

/// The leases that a node holds after it has looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The shards that it follows.
    pub shards: Shards,
    /// Those of them that it did not hold before.
    pub taken: Shards,
    /// Whether some node's lease has run out: it has died, and what it committed last nobody was told of.
    pub somebody_died: bool,
}

/// Renews this node's leases, takes what is free up to its share, and gives back what is above it.
///
/// # Errors
/// Those of the database.
pub(crate) async fn look(conn: &mut Conn, follower: Follower, node: i64) -> Result<Held> {
    let name = follower.name();
    let now = clock::now(conn).await?.unwrap_or_default();
    sql!(conn, execute, PREPARE, name, SHARDS)?;
    sql!(conn, execute, SAY, name, node, now + LEASE)?;
    sql!(conn, execute, RENEW, name, node, now + LEASE)?;
    let rows = sql!(conn, fetch_all as (i64, i64, i64), ALL, name)?;
    let plan = plan(&rows, node, now);
    let mut held = Held { shards: plan.keep, taken: Shards::default(), somebody_died: plan.somebody_died };
    if !plan.take.is_empty() {
        let taken =
            sql!(conn, fetch_all as (i64,), TAKE, name, node, now + LEASE, now, json_ids(plan.take.iter().copied())?)?;
        for (shard,) in taken {
            held.taken.add(shard);
            held.shards.add(shard);
        }
    }
    if !plan.give.is_empty() {
        sql!(conn, execute, GIVE_BACK, name, node, json_ids(plan.give.iter().copied())?)?;
    }
    sql!(conn, execute, FORGET, name, now - FORGOTTEN)?;
    Ok(held)
}

/// Gives everything back that this node holds.
///
/// # Errors
/// Those of the database.
pub(crate) async fn leave(conn: &mut Conn, follower: Follower, node: i64) -> Result<()> {
    sql!(conn, execute, GIVE_BACK, follower.name(), node, json_ids(Shards::ALL.numbers())?)?;
    sql!(conn, execute, LEAVE, follower.name(), node)?;
    Ok(())
}

/// The shards that this node holds now, and nobody else can take before the transaction ends.
///
/// # Errors
/// Those of the database.
pub(crate) async fn hold(conn: &mut Conn, follower: Follower, node: i64) -> Result<Shards> {
    let now = clock::now(conn).await?.unwrap_or_default();
    let mut shards = Shards::default();
    for (shard,) in sql!(conn, fetch_all as (i64,), HOLD, follower.name(), node, now)? {
        shards.add(shard);
    }
    Ok(shards)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    keep: Shards,
    take: Vec<i64>,
    give: Vec<i64>,
    somebody_died: bool,
}

/// The leases to keep, to take and to give back, by those that there are: shard, node and until when.
fn plan(rows: &[(i64, i64, i64)], node: i64, now: i64) -> Plan {
    let nodes: HashMap<i64, i64> = rows.iter().filter(|row| row.0 < 0).map(|row| (row.1, row.2)).collect();
    let living = nodes.values().filter(|until| **until > now).count().max(1);
    let share = usize::try_from(SHARDS).unwrap_or(0).div_ceil(living);
    let mut plan =
        Plan { somebody_died: nodes.values().any(|until| (now - NOTED + 1..=now).contains(until)), ..Plan::default() };
    let shards = || rows.iter().filter(|row| row.0 >= 0);
    let mut own: Vec<i64> = shards().filter(|row| row.1 == node).map(|row| row.0).collect();
    own.sort_unstable();
    plan.give = own.split_off(own.len().min(share));
    for shard in &own {
        plan.keep.add(*shard);
    }
    let free = shards().filter(|row| row.1 != node && row.2 <= now).map(|row| row.0);
    plan.take = free.take(share - own.len()).collect();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leases(of: impl Fn(i64) -> (i64, i64), nodes: &[(i64, i64)]) -> Vec<(i64, i64, i64)> {
        let nodes = nodes.iter().map(|(node, until)| (-node, *node, *until));
        (0..SHARDS).map(|shard| (shard, of(shard).0, of(shard).1)).chain(nodes).collect()
    }

    #[test]
    fn one_node_takes_all_that_is_free() {
        let plan = plan(&leases(|_| (0, 0), &[(7, 20)]), 7, 10);
        assert_eq!((plan.take.len(), plan.give.len(), plan.somebody_died), (64, 0, false));
    }

    #[test]
    fn a_second_node_gets_its_half() {
        let rows = leases(|_| (7, 20), &[(7, 20), (8, 20)]);
        let first = plan(&rows, 7, 10);
        assert_eq!((first.give.len(), first.keep.numbers().count(), first.take.len()), (32, 32, 0));
        assert_eq!(plan(&rows, 8, 10), Plan::default(), "nothing is free yet");
        let rows = leases(|shard| if shard < 32 { (7, 20) } else { (0, 0) }, &[(7, 20), (8, 20)]);
        assert_eq!(plan(&rows, 8, 10).take, (32..64).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_dead_node_held_is_taken_by_those_who_live() {
        let rows = leases(|shard| if shard < 32 { (7, 20) } else { (8, 5) }, &[(7, 20), (8, 5)]);
        let plan = plan(&rows, 7, 10);
        assert_eq!((plan.take.len(), plan.give.len(), plan.somebody_died), (32, 0, true));
    }
}
