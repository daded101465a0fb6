//! Carrying everything that a database holds to somewhere else: into a file ([`backup`]), out of one into an empty
//! database ([`restore`]), or from SQLite into PostgreSQL while the server runs ([`moving`]).
//!
//! All three see a database as [`tables`] with [`rows`], which are JSON arrays alike on both databases. So a backup
//! of one is restored into the other. [`standing`] says whether a server may work on a database at all: never on one
//! that was moved away, and never on one that is half full.

pub mod backup;
pub mod file;
pub mod moving;
pub mod restore;
pub mod standing;

mod compare;
mod rows;
mod tables;

pub use standing::Standing;

/// Whether both databases have these tables and columns, and no others: what is wrong, if anything.
///
/// # Errors
/// Those of the database.
pub async fn check_tables(db: &crate::Db) -> crate::Result<Vec<String>> {
    let mut conn = db.read().await?;
    let there = match &*conn {
        crate::Conn::Sqlite(_) => {
            "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
        crate::Conn::Postgres(_) => {
            "SELECT CAST(table_name || '.' || column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = current_schema()"
        }
    };
    let mut known: Vec<String> = Vec::new();
    for table in tables::TABLES {
        known.extend(table.column_names().into_iter().map(|column| format!("{}.{column}", table.name)));
    }
    let mut problems = Vec::new();
    let mut found = Vec::new();
    rows::each(&mut conn, there.to_owned(), &[], |name| {
        found.push(name.to_owned());
        Ok(())
    })
    .await?;
    let left = |name: &str| tables::LEFT_BEHIND.iter().any(|table| name.starts_with(&format!("{table}.")));
    let forgotten = found.iter().filter(|name| !left(name) && !known.contains(name));
    problems.extend(forgotten.map(|name| format!("{name} would not be carried")));
    problems.extend(known.iter().filter(|name| !found.contains(name)).map(|name| format!("there is no {name}")));
    Ok(problems)
}
