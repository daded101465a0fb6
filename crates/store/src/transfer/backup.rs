//! Writing a backup: one moment of the database, while others go on writing.

use std::io::Write;

use chat::Millis;

use super::{
    file::{Header, Sink},
    lifecycle,
    rows::{self, each, freeze},
};
use crate::{
    Conn, Db, Error, Result,
    tables::{TABLES, Tables},
};

/// The contents of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Each table with its rows.
    pub tables: Vec<(&'static str, u64)>,
}

impl Contents {
    /// How many rows a table has.
    #[must_use]
    pub fn rows(&self, table: &str) -> u64 {
        self.tables.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows)
    }
}

/// Writes all that the database holds to `out`, as it was at one moment.
///
/// # Errors
/// If the database has no tables, or cannot be read, or `out` not be written.
pub async fn write<W: Write>(db: &Db, now: Millis, out: W) -> Result<(Contents, W)> {
    write_tables(TABLES, db, now, out).await
}

/// [`write`] with these tables.
pub(super) async fn write_tables<W: Write>(tables: Tables, db: &Db, now: Millis, out: W) -> Result<(Contents, W)> {
    let mut conn = db.read().await?;
    freeze(&mut conn).await?;
    let written = write_frozen(tables, &mut conn, now, out).await;
    // Nothing was changed; a connection that is gone has let go by itself.
    let _gone = conn.run("ROLLBACK").await;
    written
}

async fn write_frozen<W: Write>(tables: Tables, conn: &mut Conn, now: Millis, out: W) -> Result<(Contents, W)> {
    let schema = lifecycle::schema(conn).await?;
    if schema == 0 {
        return Err(Error::Other("there is nothing to back up: the database has no tables".to_owned()));
    }
    if schema != crate::schema::schema() {
        let wanted = crate::schema::schema();
        return Err(Error::Other(format!("the database has schema {schema}, this program {wanted}: use its program")));
    }
    let epoch = crate::db::epoch_in(conn).await?;
    let epoch = epoch.ok_or_else(|| Error::Other("there is nothing to back up: no server has run yet".to_owned()))?;
    let mut sink = Sink::new(out, &Header::new(schema, epoch, now.0))?;
    let mut contents = Contents::default();
    for table in tables {
        sink.table(table)?;
        let mut count = 0;
        let text =
            rows::select(conn, &table.column_names(), &format!("{} ORDER BY {}", table.name, table.key.join(", ")));
        each(conn, text, &[], |text| {
            let row = rows::parse(text)?;
            if !lifecycle::is_transferred(table, &row) {
                return Ok(());
            }
            count += 1;
            sink.row(&row)
        })
        .await?;
        contents.tables.push((table.name, count));
    }
    Ok((contents, sink.end()?))
}
