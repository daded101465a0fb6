//! Reading a backup into an empty database, as a new history.

use std::io::Read;

use chat::Millis;

use super::{
    backup::Contents,
    file::{Header, Part, Source},
    lifecycle,
    rows::{self, Row, begin, each},
};
use crate::{
    Conn, Db, Error, Result,
    db::unhurried,
    history::{self, Record, SESSIONS_AHEAD},
    tables::{self, CONVERSATIONS, Changes, Column, Owner, TABLES, Table, Tables},
};

statements! {
    SET_EPOCH = "INSERT INTO meta (key, value) VALUES ('epoch', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    END_SESSIONS = "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL";
    /// An access token that was given after the backup was made must never be good for somebody else's session.
    SKIP_SESSIONS = "UPDATE counters SET value = value + $1 WHERE name = 'session'";
}

/// Reads a whole backup and checks that it is unharmed, without writing anything.
///
/// # Errors
/// The fault in it.
pub fn inspect(input: impl Read) -> Result<(Header, Contents)> {
    inspect_tables(TABLES, input)
}

/// [`inspect`] with these tables.
pub(super) fn inspect_tables(tables: Tables, input: impl Read) -> Result<(Header, Contents)> {
    let mut source = Source::new(input, tables)?;
    let mut contents = Contents::default();
    loop {
        match source.next()? {
            Part::Table(table, _) => contents.tables.push((table.name, 0)),
            Part::Row(_) => {
                if let Some((_, rows)) = contents.tables.last_mut() {
                    *rows += 1;
                }
            }
            Part::End => return Ok((source.header, contents)),
        }
    }
}

/// Fills an empty database with a backup, in one transaction: all of it or nothing. The history is a new one, so
/// that clients begin anew; all sessions are ended, because some were ended after the backup was made.
///
/// # Errors
/// If the database is not empty, the backup is not acceptable, or the database cannot be written.
pub async fn read(db: &Db, now: Millis, input: impl Read) -> Result<Contents> {
    read_tables(TABLES, db, now, input).await
}

/// [`read`] with these tables.
pub(super) async fn read_tables(tables: Tables, db: &Db, now: Millis, input: impl Read) -> Result<Contents> {
    unhurried(read_whole(tables, db, now, input)).await
}

async fn read_whole(tables: Tables, db: &Db, now: Millis, input: impl Read) -> Result<Contents> {
    let mut source = Source::new(input, tables)?;
    let wanted = source.header.schema;
    {
        let mut conn = db.read().await?;
        lifecycle::refuse_unless_untouched(&mut conn, tables).await?;
        let there = lifecycle::schema(&mut conn).await?;
        if there > wanted {
            let told = format!("the backup has schema {wanted}, the database {there}; give it an empty one");
            return Err(Error::Other(told));
        }
    }
    db.migrate_to(wanted).await?;
    let mut conn = db.write().await?;
    begin(&mut conn).await?;
    let filled = fill(tables, &mut conn, &mut source, now).await;
    let contents = rows::ended(&mut conn, filled).await?;
    // Its statistics are of an empty database; until they are gathered anew PostgreSQL would choose slow plans.
    if matches!(conn, Conn::Postgres(_))
        && let Err(error) = conn.run("ANALYZE").await
    {
        // All is there; PostgreSQL gathers them by itself before long.
        tracing::warn!(%error, "the restored tables' statistics could not be gathered");
    }
    drop(conn);
    db.migrate().await?;
    Ok(contents)
}

async fn fill(tables: Tables, conn: &mut Conn, source: &mut Source<impl Read>, now: Millis) -> Result<Contents> {
    lifecycle::refuse_unless_untouched(conn, tables).await?;
    if let Conn::Postgres(_) = conn {
        // The server's writer checks by keys; here whole tables are checked.
        let plans = "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on";
        // And the backup may come from a slow disk.
        let idle = "SET LOCAL idle_in_transaction_session_timeout = 0";
        lifecycle::run(conn, format!("{plans}; {idle}")).await?;
    }
    // The migrations have written their first rows.
    lifecycle::run(conn, "DELETE FROM counters".to_owned()).await?;
    let mut contents = Contents::default();
    let mut heading: Option<(&'static Table, Vec<&'static Column>)> = None;
    let mut waiting: Vec<Row> = Vec::new();
    loop {
        let part = source.next()?;
        let is_row = matches!(part, Part::Row(_));
        if let Some((table, columns)) = &heading
            && (!is_row || waiting.len() >= rows::CHUNK)
        {
            rows::insert(conn, table, columns, &waiting).await?;
            waiting.clear();
        }
        match part {
            Part::Table(table, columns) => {
                contents.tables.push((table.name, 0));
                heading = Some((table, columns));
            }
            Part::Row(row) => {
                if let Some((_, rows)) = contents.tables.last_mut() {
                    *rows += 1;
                }
                waiting.push(row);
            }
            Part::End => break,
        }
    }
    // A backup of an earlier version has fewer tables, and so has the database until it is whole.
    let there: Vec<&Table> = contents.tables.iter().filter_map(|(name, _)| tables::named(tables, name)).collect();
    check(conn, &contents, &there).await?;
    sql!(conn, execute, SET_EPOCH, crate::db::random_id()?)?;
    let why = "a backup was restored".to_owned();
    history::set_record(conn, &Record { from: source.header.epoch.clone(), at: now.0, why }).await?;
    sql!(conn, execute, END_SESSIONS, now.0)?;
    sql!(conn, execute, SKIP_SESSIONS, SESSIONS_AHEAD)?;
    go_on_counting(conn, &there).await?;
    Ok(contents)
}

/// Checks that the rows that were written are there, and that they hang together.
async fn check(conn: &mut Conn, contents: &Contents, tables: &[&Table]) -> Result<()> {
    for (table, wanted) in &contents.tables {
        let found = count(conn, lifecycle::without_marks(table)).await?;
        if u64::try_from(found) != Ok(*wanted) {
            return Err(Error::Other(format!("{table} has {found} rows instead of {wanted}; nothing was written")));
        }
    }
    for table in tables {
        let stray = strays(conn, table).await?;
        if stray != 0 {
            let told = format!("{stray} {} do not fit their conversations; nothing was written", table.name);
            return Err(Error::Other(told));
        }
    }
    Ok(())
}

/// How many rows have a number that no server would have given them in their conversation, or none there is.
async fn strays(conn: &mut Conn, table: &Table) -> Result<i64> {
    let (column, beside) = match table.owner {
        Owner::Conversation(column, Changes::Rev) => (column, ""),
        Owner::Conversation(column, Changes::SeqAndRev) => (column, " OR t.rev < t.seq"),
        _ => return Ok(0),
    };
    let from = format!("{} AS t LEFT JOIN {CONVERSATIONS} c ON c.id = t.{column}", table.name);
    count(conn, format!("{from} WHERE c.id IS NULL OR t.rev > c.head{beside}")).await
}

async fn count(conn: &mut Conn, from: String) -> Result<i64> {
    let mut found = 0;
    each(conn, format!("SELECT CAST(COUNT(*) AS TEXT) FROM {from}"), &[], |count| {
        found = count.parse().unwrap_or_default();
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Lets PostgreSQL count on from the last id where it counts ids itself. SQLite does so without being told.
pub(super) async fn go_on_counting(conn: &mut Conn, tables: &[&Table]) -> Result<()> {
    if let Conn::Sqlite(_) = conn {
        return Ok(());
    }
    for (table, id) in tables.iter().filter_map(|table| Some((table.name, table.id()?))) {
        let last = format!("SELECT GREATEST(MAX({id}), 1), MAX({id}) IS NOT NULL FROM {table}");
        // Where it does not count, there is no sequence, and nothing is set.
        let sequence = format!("pg_get_serial_sequence('{table}', '{id}')");
        lifecycle::run(conn, format!("SELECT setval({sequence}, m.id, m.used) FROM ({last}) AS m (id, used)")).await?;
    }
    Ok(())
}
