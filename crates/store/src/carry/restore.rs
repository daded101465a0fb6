//! Reading a backup into an empty database, as a new history.

use std::io::Read;

use chat::Millis;

use super::{
    backup::Contents,
    file::{Header, Part, Source},
    rows::{self, Row, begin, each},
    standing,
    tables::{Column, Table},
};
use crate::{
    Conn, Db, Error, Result,
    db::unhurried,
    history::{self, Record, SESSIONS_AHEAD},
};

statements! {
    SET_EPOCH = "INSERT INTO meta (key, value) VALUES ('epoch', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    END_SESSIONS = "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL";
    /// An access token that was given after the backup was made must never be good for somebody else's session.
    SKIP_SESSIONS = "UPDATE counters SET value = value + $1 WHERE name = 'session'";
    /// Messages that no server would have written.
    STRAY = "SELECT COUNT(*) FROM messages m LEFT JOIN conversations c ON c.id = m.conversation_id
             WHERE c.id IS NULL OR m.seq > c.head OR m.rev > c.head OR m.rev < m.seq";
}

/// Reads a whole backup and checks that it is unharmed, without writing anything.
///
/// # Errors
/// What is wrong with it.
pub fn inspect(input: impl Read) -> Result<(Header, Contents)> {
    let mut source = Source::new(input)?;
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
    unhurried(read_whole(db, now, input)).await
}

async fn read_whole(db: &Db, now: Millis, input: impl Read) -> Result<Contents> {
    let mut source = Source::new(input)?;
    let wanted = source.header.schema;
    {
        let mut conn = db.read().await?;
        standing::refuse_unless_untouched(&mut conn).await?;
        let there = standing::schema(&mut conn).await?;
        if there > wanted {
            let told = format!("the backup has schema {wanted}, the database {there}; give it an empty one");
            return Err(Error::Other(told));
        }
    }
    db.migrate_to(wanted).await?;
    let mut conn = db.write().await?;
    begin(&mut conn).await?;
    let filled = fill(&mut conn, &mut source, now).await;
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

async fn fill(conn: &mut Conn, source: &mut Source<impl Read>, now: Millis) -> Result<Contents> {
    standing::refuse_unless_untouched(conn).await?;
    if let Conn::Postgres(_) = conn {
        // What the server's writer asks by keys is asked here by whole tables.
        let plans = "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on";
        // And the backup may come from a slow disk.
        let idle = "SET LOCAL idle_in_transaction_session_timeout = 0";
        standing::run(conn, format!("{plans}; {idle}")).await?;
    }
    standing::run(conn, "DELETE FROM counters".to_owned()).await?;
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
    check(conn, &contents).await?;
    sql!(conn, execute, SET_EPOCH, crate::db::random_id()?)?;
    let why = "a backup was restored".to_owned();
    history::set_record(conn, &Record { from: source.header.epoch.clone(), at: now.0, why }).await?;
    sql!(conn, execute, END_SESSIONS, now.0)?;
    sql!(conn, execute, SKIP_SESSIONS, SESSIONS_AHEAD)?;
    go_on_counting(conn).await?;
    Ok(contents)
}

/// What was written must be what is there, and hang together.
async fn check(conn: &mut Conn, contents: &Contents) -> Result<()> {
    for (table, wanted) in &contents.tables {
        let mut found = 0;
        each(conn, format!("SELECT CAST(COUNT(*) AS TEXT) FROM {}", standing::without_marks(table)), &[], |count| {
            found = count.parse().unwrap_or_default();
            Ok(())
        })
        .await?;
        if found != *wanted {
            return Err(Error::Other(format!("{table} has {found} rows instead of {wanted}; nothing was written")));
        }
    }
    let (stray,) = sql!(conn, fetch_one as (i64,), STRAY)?;
    if stray > 0 {
        return Err(Error::Other(format!("{stray} messages do not fit their conversations; nothing was written")));
    }
    Ok(())
}

/// Lets PostgreSQL count messages on from the last one. SQLite does so by itself.
pub(super) async fn go_on_counting(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(_) => {
            let last = "SELECT GREATEST(MAX(id), 1), MAX(id) IS NOT NULL FROM messages";
            let set = format!(
                "SELECT setval(pg_get_serial_sequence('messages', 'id'), m.id, m.used) FROM ({last}) AS m (id, used)"
            );
            standing::run(conn, set).await
        }
    }
}
