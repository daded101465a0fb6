//! Whether a database takes writes at all.

use crate::{Conn, Result};

/// Why nothing can be written, if nothing can: a standby that was not promoted, or a server that was told so.
///
/// # Errors
/// Those of the database.
pub async fn read_only(conn: &mut Conn) -> Result<Option<&'static str>> {
    let Conn::Postgres(c) = conn else { return Ok(None) };
    let text = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
    let (standby, read_only): (bool, bool) = in_time!(c, sqlx::query_as(text).fetch_one(&mut **c))?;
    Ok(match (standby, read_only) {
        (true, _) => Some("the database is a read-only standby"),
        (_, true) => Some("the database is read-only: default_transaction_read_only is on"),
        _ => None,
    })
}
