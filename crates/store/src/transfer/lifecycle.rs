//! Whether a server may work on a database.
//!
//! Of a history there is one living copy. A database that was moved away says so and where to, and triggers refuse
//! every change of it, so that not even an older program or a server that is still running can make it a second one.
//! A database that is being filled says so until it is whole.

use serde::{Deserialize, Serialize};

use super::rows::{Given, each};
use crate::{
    Conn, Db, Error, Result,
    schema::NEEDS,
    tables::{Table, Tables},
};

statements! {
    MARK = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    UNMARK = "DELETE FROM meta WHERE key = $1";
    MARKED = "SELECT value FROM meta WHERE key = $1";
}

/// The key of the mark of a database that was moved away.
pub(super) const MOVED: &str = "moved";
/// The key of the mark of a database that is not whole.
pub(super) const INCOMPLETE: &str = "incomplete";
/// The key under which a database keeps from which move it came.
pub(super) const ORIGIN: &str = "moved_from";

/// Marks of this database, which are not transferred to another. What a program must know is written by the migrations that
/// make the other's tables.
pub(super) const MARKS: [&str; 4] = [MOVED, INCOMPLETE, ORIGIN, NEEDS];

/// The table with those marks: it is named, here and below, because some of its rows say something of their database
/// only.
const META: &str = "meta";
/// The table of which migrations write the first rows.
const COUNTERS: &str = "counters";

/// Whether this row of the table is transferred.
pub(super) fn is_transferred(table: &Table, row: &[serde_json::Value]) -> bool {
    let key = row.first().and_then(serde_json::Value::as_str).unwrap_or_default();
    table.name != META || !MARKS.contains(&key)
}

/// A table without what is not transferred.
pub(super) fn without_marks(table: &str) -> String {
    if table == META { format!("{META} WHERE key NOT IN ('{}')", MARKS.join("', '")) } else { table.to_owned() }
}

/// The lifecycle of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// A server may work on it. It may also be new.
    Living,
    /// It was moved away.
    Moved(Mark),
    /// It is being filled, or was and will not be any more.
    Incomplete(Mark),
}

/// The marks of a move in a database.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The move's random id, the same on both sides.
    pub id: String,
    /// The history that is moved; empty if this is not to be gone on with.
    pub history: String,
    /// The other database, without its password.
    pub other: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

impl Db {
    /// The lifecycle of the database.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn lifecycle(&self) -> Result<Lifecycle> {
        let mut conn = self.read().await?;
        of(&mut conn).await
    }
}

pub(super) async fn of(conn: &mut Conn) -> Result<Lifecycle> {
    if !has_table(conn, META).await? {
        return Ok(Lifecycle::Living);
    }
    if let Some(mark) = mark(conn, MOVED).await? {
        return Ok(Lifecycle::Moved(mark));
    }
    Ok(mark(conn, INCOMPLETE).await?.map_or(Lifecycle::Living, Lifecycle::Incomplete))
}

/// The mark under this key.
pub(super) async fn mark(conn: &mut Conn, key: &str) -> Result<Option<Mark>> {
    let found = sql!(conn, fetch_optional as (String,), MARKED, key)?;
    let strange = |e| Error::Other(format!("the mark {key:?} of the database cannot be read: {e}"));
    found.map(|(text,)| serde_json::from_str(&text).map_err(strange)).transpose()
}

/// Writes a mark.
pub(super) async fn set(conn: &mut Conn, key: &str, mark: &Mark) -> Result<()> {
    let text = serde_json::to_string(mark).map_err(|e| Error::Other(format!("a mark cannot be written: {e}")))?;
    sql!(conn, execute, MARK, key, text)?;
    Ok(())
}

/// Takes a mark away.
pub(super) async fn unset(conn: &mut Conn, key: &str) -> Result<()> {
    sql!(conn, execute, UNMARK, key)?;
    Ok(())
}

/// Whether there is a table of this name.
pub(super) async fn has_table(conn: &mut Conn, name: &str) -> Result<bool> {
    let text = match conn {
        Conn::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
        Conn::Postgres(_) => "SELECT $1 WHERE to_regclass($1) IS NOT NULL",
    };
    let mut found = false;
    each(conn, text.to_owned(), &[Given::Text(name)], |_| {
        found = true;
        Ok(())
    })
    .await?;
    Ok(found)
}

/// The number of the last migration that was done; 0 in an empty database.
pub(super) async fn schema(conn: &mut Conn) -> Result<i64> {
    if !has_table(conn, "_sqlx_migrations").await? {
        return Ok(0);
    }
    let mut version = 0;
    let text = "SELECT CAST(COALESCE(MAX(version), 0) AS TEXT) FROM _sqlx_migrations";
    each(conn, text.to_owned(), &[], |found| {
        version = found.parse().unwrap_or_default();
        Ok(())
    })
    .await?;
    Ok(version)
}

/// Refuses a database that holds anything, were it only the id of a history: then a server has worked on it.
pub(super) async fn refuse_unless_untouched(conn: &mut Conn, tables: Tables) -> Result<()> {
    if schema(conn).await? == 0 {
        return Ok(());
    }
    for table in tables.iter().filter(|table| table.name != COUNTERS) {
        // The migrations may have been stopped half-way.
        if !has_table(conn, table.name).await? {
            continue;
        }
        let mut any = false;
        // Writes of migrations are no work of a server.
        let by_others = if table.name == META { format!("WHERE key <> '{NEEDS}'") } else { String::new() };
        each(conn, format!("SELECT 'x' FROM {} {by_others} LIMIT 1", table.name), &[], |_| {
            any = true;
            Ok(())
        })
        .await?;
        if any {
            let what = if table.name == META { "a server has worked on it" } else { table.name };
            return Err(Error::Other(format!("the database is not empty ({what}); nothing was written")));
        }
    }
    Ok(())
}

/// Lets nobody change anything in the database any more, once this is committed: neither a server that is still
/// running nor an older program. On PostgreSQL this waits for those who are writing.
pub(super) async fn seal(conn: &mut Conn, tables: Tables) -> Result<()> {
    if let Conn::Postgres(_) = conn {
        // The code of a database that is open for reading only.
        let raise = "RAISE EXCEPTION 'this database was given up' USING ERRCODE = '25006'";
        let body = format!("BEGIN {raise}; END");
        let text = format!("CREATE FUNCTION moved() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$");
        run(conn, text).await?;
    }
    for (table, change) in changes(tables) {
        let trigger =
            format!("CREATE TRIGGER moved_{}_{table} BEFORE {change} ON {table}", change.to_ascii_lowercase());
        let text = match conn {
            Conn::Sqlite(_) => {
                format!("{trigger} BEGIN SELECT RAISE(ABORT, 'this database was moved away'); END")
            }
            Conn::Postgres(_) => format!("{trigger} FOR EACH STATEMENT EXECUTE FUNCTION moved()"),
        };
        run(conn, text).await?;
    }
    Ok(())
}

/// Lets it be changed again. Only a SQLite database is ever taken back.
pub(super) async fn unseal(conn: &mut Conn, tables: Tables) -> Result<()> {
    for (table, change) in changes(tables) {
        run(conn, format!("DROP TRIGGER moved_{}_{table}", change.to_ascii_lowercase())).await?;
    }
    Ok(())
}

fn changes(tables: Tables) -> impl Iterator<Item = (&'static str, &'static str)> {
    tables.iter().flat_map(|table| ["INSERT", "UPDATE", "DELETE"].map(|change| (table.name, change)))
}

/// Runs a statement that is made of constants.
pub(super) async fn run(conn: &mut Conn, text: String) -> Result<()> {
    let text = sqlx::AssertSqlSafe(text);
    match conn {
        Conn::Sqlite(conn) => sqlx::raw_sql(text).execute(&mut **conn).await.map(|_| ())?,
        Conn::Postgres(conn) => sqlx::raw_sql(text).execute(&mut **conn).await.map(|_| ())?,
    }
    Ok(())
}
