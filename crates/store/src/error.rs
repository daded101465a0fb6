//! The errors below the statements, and how callers are told of them.

use chat::ErrorCode;
use sqlx::sqlite::SqliteError;

/// The result of a statement.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of the database or of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or not in time. Nothing was stored.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// There is no room: the disk or a quota is full, or a file may not grow. Nothing was stored.
    #[error("there is no room to store anything: {0}")]
    StorageFull(String),
    /// Writing to the disk fails. SQLite does not tell a quota or the limit of a file's size, which are full, from a disk
    /// that is broken. Nothing was stored.
    #[error("there is no room to store anything, or the disk refuses to write: {0}")]
    Unwritable(String),
    /// It takes no writes: a read-only disk, a standby. Nothing was stored.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// Its stored data is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Another server works on it; what that has written down about itself.
    #[error("another server works on this database: {0}")]
    Held(String),
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
        /// The fault in it.
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
                let is_sqlite = db.try_downcast_ref::<SqliteError>().is_some();
                match db.kind() {
                    ErrorKind::UniqueViolation => Self::Conflict(text),
                    _ if is_sqlite => of_sqlite(code.parse().unwrap_or_default(), text),
                    _ => of_postgres(&code, text),
                }
            }
            _ => Self::Other(text),
        }
    }
}

/// The meaning of SQLite's extended result codes; the last byte is the primary code.
fn of_sqlite(code: u32, text: String) -> Error {
    const TRIGGER: u32 = 1_811;
    const IOERR_WRITE: u32 = 778;
    const IOERR_SHMSIZE: u32 = 4_874;
    match (code, code & 0xff) {
        // The triggers of a database that was moved (see `transfer::lifecycle`).
        (TRIGGER, _) => Error::Unavailable(text),
        // FULL.
        (_, 13) => Error::StorageFull(text),
        (IOERR_WRITE | IOERR_SHMSIZE, _) => Error::Unwritable(text),
        (_, 8) => Error::ReadOnly(text),
        // CORRUPT, NOTADB.
        (_, 11 | 26) => damaged(text),
        // ABORT (the transaction was rolled back under a statement, as a full disk does), BUSY, LOCKED, NOMEM, INTERRUPT,
        // IOERR, CANTOPEN, PROTOCOL (a lock was too long in coming, on a machine with too much to do): repeating may
        // succeed.
        (_, 4 | 5 | 6 | 7 | 9 | 10 | 14 | 15) => Error::Unavailable(text),
        _ => Error::Other(text),
    }
}

/// The meaning of PostgreSQL's codes (SQLSTATE).
fn of_postgres(code: &str, text: String) -> Error {
    match code {
        // disk_full.
        "53100" => Error::StorageFull(text),
        // read_only_sql_transaction.
        "25006" => Error::ReadOnly(text),
        // data_corrupted, index_corrupted.
        "XX001" | "XX002" => damaged(text),
        // Deadlocks, serialisation failures, system errors, connections, shutdowns, other resources: repeating may
        // succeed.
        "40001" | "40P01" => Error::Unavailable(text),
        _ if ["08", "57P", "53", "58"].iter().any(|class| code.starts_with(class)) => Error::Unavailable(text),
        _ => Error::Other(text),
    }
}

fn damaged(text: String) -> Error {
    crate::damage::note(&text);
    Error::Damaged(text)
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
            Error::Unwritable(text) => {
                tracing::error!(error = text, "there is no room, or the disk refuses to write");
                let detail = format!("There is no room, or the disk refuses to write ({text}); nothing was stored.");
                refusal(ErrorCode::StorageFull, &detail)
            }
            Error::ReadOnly(_) => {
                tracing::error!(%error, "a statement failed");
                refusal(ErrorCode::Unavailable, "The store takes no writes at the moment; nothing was stored.")
            }
            Error::Conflict(_) => Self::new(ErrorCode::Conflict, "This is already taken."),
            Error::Held(_) | Error::Unreadable { .. } | Error::Damaged(_) | Error::Other(_) => {
                tracing::error!(%error, "a statement failed");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_refuses_to_write_is_not_said_to_be_full() {
        let told = |code, text: &str| chat::Error::from(of_sqlite(code, text.to_owned()));
        let full = told(13, "database or disk is full");
        assert_eq!((full.code, full.detail.contains("refuses to write")), (ErrorCode::StorageFull, false));
        let write = told(778, "(code: 778) disk I/O error");
        assert_eq!(write.code, ErrorCode::StorageFull);
        assert!(
            write.detail.contains("no room, or the disk refuses to write ((code: 778) disk I/O error)"),
            "{write:?}"
        );
        // A fault that passes is no mistake of the server's: ABORT_ROLLBACK, BUSY_SNAPSHOT, NOMEM, INTERRUPT, PROTOCOL.
        for code in [516, 517, 7, 9, 15] {
            assert_eq!(told(code, "something that passes").code, ErrorCode::Unavailable, "{code}");
        }
        assert_eq!(told(1, "near \"SELEKT\": syntax error").code, ErrorCode::Internal);
        // Reading failed.
        assert_eq!(told(266, "(code: 266) disk I/O error").code, ErrorCode::Unavailable);
    }
}
