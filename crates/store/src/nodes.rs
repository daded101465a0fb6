//! The entries in which nodes describe themselves in the database, so that those that do not fit together are found.

use chat::Millis;
use sqlx::FromRow;

use crate::{Conn, Result};

statements! {
    SAY = "UPDATE nodes SET about = $2 WHERE id = $1";
    PRESENT = "SELECT seen_at, about FROM nodes WHERE about <> '' AND seen_at > $1 ORDER BY seen_at";
}

/// A node's entry, and when the node was last there, in milliseconds since 1970.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Present {
    /// When it was last there.
    pub seen_at: i64,
    /// The text of its entry.
    pub about: String,
}

/// Says something of a node, in the words of whoever calls; nothing where it leaves. That it is there is noted with
/// each of its transactions, this one too.
///
/// # Errors
/// Those of the database.
pub async fn say(conn: &mut Conn, node: i64, about: &str) -> Result<()> {
    sql!(conn, execute, SAY, node, about)?;
    Ok(())
}

/// The nodes that were there after a moment, those last that were there last.
///
/// # Errors
/// Those of the database.
pub async fn present(conn: &mut Conn, since: Millis) -> Result<Vec<Present>> {
    sql!(conn, fetch_all as Present, PRESENT, since.0)
}
