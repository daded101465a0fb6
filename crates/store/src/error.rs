//! What can go wrong below the statements, and how it is told to callers.

use chat::ErrorCode;

/// The result of a statement.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of the database or of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or not in time. Nothing was stored.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The disk is full. Nothing was stored.
    #[error("the disk is full: {0}")]
    StorageFull(String),
    /// A unique index refused the row.
    #[error("already taken: {0}")]
    Conflict(String),
    /// A row holds what the program never writes.
    #[error("row {id} of {table} cannot be read: {what}")]
    Unreadable {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: i64,
        /// What is wrong with it.
        what: String,
    },
    /// Anything else: a mistake in the program.
    #[error("{0}")]
    Other(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        let text = error.to_string();
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_) => Self::Unavailable(text),
            sqlx::Error::Database(db) => {
                let code = db.code().unwrap_or_default();
                match (db.kind(), code.as_ref()) {
                    (ErrorKind::UniqueViolation, _) => Self::Conflict(text),
                    // SQLite: FULL. PostgreSQL: disk_full.
                    (_, "13" | "53100") => Self::StorageFull(text),
                    // SQLite: the triggers of a database that was moved (see `carry::standing`).
                    (_, "1811") => Self::Unavailable(text),
                    // SQLite: BUSY, LOCKED, READONLY, IOERR, CANTOPEN. PostgreSQL: connections,
                    // shutdowns, deadlocks and serialisation failures: repeating may succeed.
                    (_, "5" | "6" | "8" | "10" | "14" | "40001" | "40P01" | "25006") => Self::Unavailable(text),
                    (_, c) if c.starts_with("08") || c.starts_with("57P") || c.starts_with("53") => {
                        Self::Unavailable(text)
                    }
                    _ => Self::Other(text),
                }
            }
            _ => Self::Other(text),
        }
    }
}

impl From<Error> for chat::Error {
    fn from(error: Error) -> Self {
        let refusal = |code, detail: &str| Self { retry_after_ms: Some(1_000), ..Self::new(code, detail) };
        match error {
            Error::Unavailable(_) => {
                tracing::warn!(%error, "a statement failed");
                refusal(ErrorCode::Unavailable, "The store is not available; nothing was stored. Try again.")
            }
            Error::StorageFull(_) => {
                tracing::error!(%error, "a statement failed");
                refusal(ErrorCode::StorageFull, "There is no room left to store it; nothing was stored.")
            }
            Error::Conflict(_) => Self::new(ErrorCode::Conflict, "This is already taken."),
            Error::Unreadable { .. } | Error::Other(_) => {
                tracing::error!(%error, "a statement failed");
                Self::internal()
            }
        }
    }
}
