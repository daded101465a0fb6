//! Open files: each connection is one, and so is much else.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::config::Database;

/// Files besides connections: listeners, the log, the runtime's own, what is read for a moment, and those who are on
/// their way out.
const BESIDES: u64 = 64;
/// Files that one connection to the database may have open (SQLite: the file, its log, its shared memory).
const OF_DATABASE: u64 = 3;
/// Connections without which a server is of no use, whatever the system says.
const LEAST: u64 = 32;

/// Takes as many open files as the system lets us have.
pub fn raise() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
}

/// How many connections of people there is room for.
#[must_use]
pub fn for_connections(database: &Database) -> usize {
    let open = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let reserve = BESIDES + OF_DATABASE * u64::from(database.max_connections);
    usize::try_from(open.saturating_sub(reserve).max(LEAST)).unwrap_or(usize::MAX)
}
