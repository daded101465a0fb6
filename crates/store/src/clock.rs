//! The database's clock.

use crate::{Conn, Result};

/// PostgreSQL's time in milliseconds since 1970. Nothing for SQLite, which has the machine's.
///
/// # Errors
/// Those of the database.
pub async fn now(conn: &mut Conn) -> Result<Option<i64>> {
    let Conn::Postgres(c) = conn else { return Ok(None) };
    let text = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint";
    let (now,): (i64,) = in_time!(c, sqlx::query_as(text).fetch_one(&mut **c))?;
    Ok(Some(now))
}
