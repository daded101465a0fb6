//! Facts about the index that an operator should know: whether it is there, of which rules and history, how far behind
//! it is and how large. Looks, and changes nothing: opening the index as a server does would make a lost one anew.

use std::{collections::HashMap, path::Path, time::Duration};

use chat::ConversationId;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{FOLLOWER, PAGE, Status, file, table, version};
use crate::{
    Conn, Db, Options, Result,
    db::{self, epoch_in},
    followers,
};

/// The state of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none yet, or it was lost.
    Absent,
    /// It was made by other rules or of another history: whoever follows makes it anew.
    Outdated(String),
    /// It cannot be read, and why: whoever follows makes it anew.
    Damaged(String),
    /// It is in use.
    Good,
}

/// The findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its state.
    pub state: State,
    /// The rules by which texts are cut and indexed here.
    pub version: String,
    /// How many bytes it has on the disk.
    pub bytes: i64,
    /// How far it is behind, if it is in use.
    pub status: Status,
}

/// Looks at the index of a database that has all its tables.
///
/// # Errors
/// Those of the database; what is wrong with the index alone is told as its state.
pub async fn examine(url: &str) -> Result<Inspection> {
    let db = Db::open(&Options { url: url.to_owned(), readers: 1, connect_timeout: Duration::from_secs(5) }).await?;
    let mut conn = db.read().await?;
    let found = if conn.is_sqlite() {
        let path = file::path_beside(db::sqlite_options(url)?.get_filename());
        of_file(&mut conn, &path).await
    } else {
        of_table(&mut conn).await
    };
    drop(conn);
    db.close().await;
    found
}

fn in_state(state: State, bytes: i64) -> Inspection {
    Inspection { state, version: version(), bytes, status: Status::default() }
}

async fn of_file(conn: &mut Conn, path: &Path) -> Result<Inspection> {
    if !path.exists() {
        return Ok(in_state(State::Absent, 0));
    }
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |data| i64::try_from(data.len()).unwrap_or(i64::MAX));
    let bytes = size(path).saturating_add(size(&path.with_extension("db-wal")));
    let epoch = epoch_in(conn).await?.unwrap_or_default();
    match read_file(path).await {
        Err(error) => Ok(in_state(State::Damaged(error.to_string()), bytes)),
        Ok((about, _)) if about != (version(), epoch) => Ok(in_state(State::Outdated(about.0), bytes)),
        Ok((_, cursors)) => Ok(Inspection { status: status(conn, &cursors).await?, ..in_state(State::Good, bytes) }),
    }
}

/// By what a file was made, and its cursors.
async fn read_file(path: &Path) -> sqlx::Result<((String, String), HashMap<i64, i64>)> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut conn: SqliteConnection = options.connect().await?;
    let about = sqlx::query_as(file::ABOUT).fetch_one(&mut conn).await;
    let cursors = sqlx::query_as(file::ALL_CURSORS).fetch_all(&mut conn).await;
    conn.close().await?;
    let cursors: Vec<(i64, i64)> = cursors?;
    Ok((about?, cursors.into_iter().collect()))
}

async fn of_table(conn: &mut Conn) -> Result<Inspection> {
    let bytes = table::bytes(conn).await?;
    match table::made_by(conn).await? {
        None => Ok(in_state(State::Absent, bytes)),
        Some(other) if other != version() => Ok(in_state(State::Outdated(other), bytes)),
        Some(_) => {
            let cursors = table::cursors_between(conn, FOLLOWER, 0, i64::MAX).await?;
            Ok(Inspection { status: status(conn, &cursors).await?, ..in_state(State::Good, bytes) })
        }
    }
}

/// How far cursors are behind the heads.
async fn status(conn: &mut Conn, cursors: &HashMap<i64, i64>) -> Result<Status> {
    let (mut status, mut after) = (Status::default(), 0);
    loop {
        let heads = followers::heads_after(conn, ConversationId(after), PAGE).await?;
        let Some((last, _)) = heads.last().copied() else { return Ok(status) };
        for (id, head) in heads {
            let cursor = cursors.get(&id).copied().unwrap_or(0);
            status.behind += i64::from(cursor != head);
            status.changes += (head - cursor).max(0);
        }
        after = last;
    }
}
