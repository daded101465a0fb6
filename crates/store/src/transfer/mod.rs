//! Carrying everything that a database holds to somewhere else: into a file ([`backup`]), out of one into an empty
//! database ([`restore`]), or from SQLite into PostgreSQL while the server runs ([`moving`]).
//!
//! All three see a database as the list of tables (`store/src/tables.rs`) with [`rows`], which are JSON arrays alike on
//! both databases. So a backup of one is restored into the other. [`lifecycle`] says whether a server may work on a
//! database at all: never on one that was moved away, and never on one that is half full.

pub mod backup;
pub mod file;
pub mod lifecycle;
pub mod moving;
pub mod restore;

mod compare;
mod rows;
#[cfg(test)]
mod tests;

pub use lifecycle::Lifecycle;

use crate::{
    Conn, Db, Result,
    tables::{self, TABLES, Table, Tables},
};

/// Whether both databases have these tables and columns, and no others: what is wrong, if anything.
///
/// # Errors
/// Those of the database.
pub async fn check_tables(db: &Db) -> Result<Vec<String>> {
    check_these(TABLES, db).await
}

/// [`check_tables`] with these tables. What names a row's owner must also never be null: the row would be in no part.
async fn check_these(tables: Tables, db: &Db) -> Result<Vec<String>> {
    let mut conn = db.read().await?;
    let there = match &*conn {
        Conn::Sqlite(_) => {
            "SELECT m.name || '.' || c.name || CASE c.\"notnull\" WHEN 0 THEN '?' ELSE '' END \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
        Conn::Postgres(_) => {
            "SELECT CAST(table_name || '.' || column_name || CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END AS TEXT) \
             FROM information_schema.columns WHERE table_schema = current_schema()"
        }
    };
    let (mut found, mut nullable) = (Vec::new(), Vec::new());
    rows::each(&mut conn, there.to_owned(), &[], |name| {
        found.push(name.trim_end_matches('?').to_owned());
        nullable.extend(name.strip_suffix('?').map(str::to_owned));
        Ok(())
    })
    .await?;
    let of = |table: &Table| -> Vec<String> {
        table.columns.iter().map(|column| format!("{}.{}", table.name, column.name)).collect()
    };
    let known: Vec<String> = tables.iter().flat_map(of).collect();
    let owners = tables.iter().filter_map(|table| Some(format!("{}.{}", table.name, table.owner.named_by()?.1)));
    let left = |name: &str| tables::LEFT_BEHIND.iter().any(|table| name.starts_with(&format!("{table}.")));
    let forgotten = found.iter().filter(|name| !left(name) && !known.contains(name));
    let mut problems: Vec<String> = forgotten.map(|name| format!("{name} would not be transferred")).collect();
    problems.extend(known.iter().filter(|name| !found.contains(name)).map(|name| format!("there is no {name}")));
    problems.extend(owners.filter(|name| nullable.contains(name)).map(|name| format!("{name} may be null")));
    Ok(problems)
}
