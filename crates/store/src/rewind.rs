//! For the simulation: a SQLite database that is kept as it is, and comes back as it was, under those who
//! work on it. Nothing else does that to a database; what really does is a failover, or an operator's copy.

use std::path::Path;

use sqlx::AssertSqlSafe;

use crate::{Conn, Db, Error, Result};

impl Db {
    /// Keeps the database as it is in a file that is not there yet.
    ///
    /// # Errors
    /// If it is not SQLite, or the file cannot be written.
    pub async fn keep_for_tests(&self, copy: &Path) -> Result<()> {
        let Conn::Sqlite(mut conn) = self.write().await? else { return Err(not_sqlite()) };
        sqlx::query("VACUUM INTO $1").bind(copy.display().to_string()).execute(&mut *conn).await?;
        Ok(())
    }

    /// Has everything in the database as it was when it was kept, in one transaction.
    ///
    /// # Errors
    /// If it is not SQLite, or was not kept there.
    pub async fn come_back_for_tests(&self, copy: &Path) -> Result<()> {
        let Conn::Sqlite(mut conn) = self.write().await? else { return Err(not_sqlite()) };
        sqlx::query("ATTACH $1 AS kept").bind(copy.display().to_string()).execute(&mut *conn).await?;
        let tables: Vec<(String,)> = sqlx::query_as(
            "SELECT name FROM kept.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' \
             AND name <> '_sqlx_migrations'",
        )
        .fetch_all(&mut *conn)
        .await?;
        // Rows refer to each other; whole tables are as consistent as they were.
        let mut text = "PRAGMA foreign_keys = off; BEGIN IMMEDIATE;".to_owned();
        for (table,) in tables {
            text.push_str(&format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM kept.{table};"));
        }
        text.push_str("COMMIT; PRAGMA foreign_keys = on; DETACH kept");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *conn).await?;
        Ok(())
    }
}

fn not_sqlite() -> Error {
    Error::Other("only a SQLite database is kept and comes back".to_owned())
}
