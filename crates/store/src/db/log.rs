//! SQLite's log, which is kept short beside the writer.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;

use super::{BUSY, Db, Pool, log_of, size};
use crate::{Error, Result};

/// SQLite's log is looked at once it is longer than this. In ordinary use it is shorter.
const LOG_BYTES: u64 = 16 << 20;
/// It is not kept for the writer if it is longer than this.
const KEPT_LOG_BYTES: u64 = 256 << 20;
/// It is begun anew when no more than this is still to be moved.
const LEFT_BYTES: u64 = 4 << 20;
/// How long the writer is waited for before the log is begun anew, and how long it then waits for readers.
const TURN: Duration = Duration::from_millis(250);
const READER: Duration = Duration::from_millis(20);
/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// The bytes of a frame of the log.
const FRAME_BYTES: u64 = 4_096 + 24;

impl Db {
    /// The turn to write. Meanwhile SQLite's log is not begun anew.
    pub(crate) async fn log_turn(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.log_turn.clone().lock_owned().await
    }

    /// Whether somebody has the turn to write.
    #[cfg(test)]
    pub(crate) fn has_log_turn(&self) -> bool {
        self.log_turn.try_lock().is_err()
    }

    /// Keeps SQLite's log short as long as there is a writer.
    pub(crate) async fn keep_log_short(self, has_writer: impl Fn() -> bool) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut frames = 0;
        loop {
            tick.tick().await;
            if !has_writer() {
                return;
            }
            match self.checkpoint(frames).await {
                Ok(now) => frames = now,
                Err(error) => tracing::debug!(%error, "the log could not be moved into the file now"),
            }
        }
    }

    /// Moves what was committed from SQLite's log into its file, so that the log stays short. Runs on
    /// a reader's connection beside the writer and does not hold it up. On PostgreSQL nothing is to do.
    ///
    /// While somebody reads for long the log only grows. When they have gone, the writer is made to begin it anew: in
    /// the same file, because to write over what is there costs half of what a growing file costs. It is cut back when
    /// little is written. SQLite does neither while somebody writes, and in a busy hour somebody always does: so the
    /// writer waits for it, between two transactions.
    ///
    /// Takes what it returned the last time, by which it sees whether anything was written since.
    ///
    /// # Errors
    /// If the database cannot be reached.
    async fn checkpoint(&self, before: i64) -> Result<i64> {
        let Pool::Sqlite(pool) = &self.readers else { return Ok(before) };
        let mut conn = pool.acquire().await?;
        let pass = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut *conn);
        let (_busy, frames, moved): (i64, i64, i64) = pass.await?;
        let bytes = self.file.as_deref().map_or(0, |file| size(&log_of(file)));
        let pragma = match end_of_pass(bytes, (before, frames), moved) {
            EndOfPass::Nothing => return Ok(frames),
            EndOfPass::BeginAnew => "PRAGMA wal_checkpoint(RESTART)",
            EndOfPass::Cut => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        // Not waited for longer: a transaction may itself wait for a reader's connection, such as the one held here.
        if let Ok(_turn) = tokio::time::timeout(TURN, self.log_turn.lock()).await {
            hurry(&mut conn, pragma).await?;
        }
        Ok(frames)
    }
}

/// The next step with SQLite's log once its pages were moved.
#[derive(Debug, PartialEq, Eq)]
enum EndOfPass {
    /// It is short, or somebody still needs it.
    Nothing,
    /// The writer goes on at its beginning.
    BeginAnew,
    /// It is emptied.
    Cut,
}

/// `frames` of the log's file of so many `bytes` are in use, as many as `before` if nothing was written since; so many
/// of them were `moved`. The rest of them is moved while the writer waits, so it must be little.
fn end_of_pass(bytes: u64, (before, frames): (i64, i64), moved: i64) -> EndOfPass {
    let bytes_of = |frames: i64| u64::try_from(frames).unwrap_or(0).saturating_mul(FRAME_BYTES);
    let (used, left) = (bytes_of(frames), bytes_of(frames.saturating_sub(moved)));
    if bytes <= LOG_BYTES || left > LEFT_BYTES {
        EndOfPass::Nothing
    } else if used <= LOG_BYTES / 64 || frames == before || bytes > KEPT_LOG_BYTES {
        EndOfPass::Cut
    } else if used > LOG_BYTES / 2 {
        EndOfPass::BeginAnew
    } else {
        EndOfPass::Nothing
    }
}

/// Has SQLite do this with its log, unless somebody reads from it for longer than a page takes.
async fn hurry(conn: &mut SqliteConnection, pragma: &'static str) -> Result<()> {
    wait_at_most(conn, READER).await?;
    let done = sqlx::query(pragma).execute(&mut *conn).await;
    wait_at_most(conn, BUSY).await?;
    done.map(|_| ()).map_err(Error::from)
}

/// How long this connection waits for others.
async fn wait_at_most(conn: &mut SqliteConnection, time: Duration) -> Result<()> {
    let text = format!("PRAGMA busy_timeout = {}", time.as_millis());
    sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut *conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn a_long_log_is_written_over_while_there_is_much_to_write_and_cut_afterwards() {
        let frames = |bytes: u64| i64::try_from(bytes / FRAME_BYTES).unwrap();
        let much = frames(LOG_BYTES);
        for (bytes, used, moved, end) in [
            (LOG_BYTES, much, much, EndOfPass::Nothing),
            (LOG_BYTES + 1, much, much - frames(LEFT_BYTES) - 1, EndOfPass::Nothing),
            (LOG_BYTES + 1, much, much - frames(LEFT_BYTES), EndOfPass::BeginAnew),
            (LOG_BYTES + 1, much, much, EndOfPass::BeginAnew),
            (KEPT_LOG_BYTES, much / 2, much / 2, EndOfPass::Nothing),
            (KEPT_LOG_BYTES, much, much, EndOfPass::BeginAnew),
            (KEPT_LOG_BYTES + 1, much, much, EndOfPass::Cut),
            (LOG_BYTES + 1, frames(LOG_BYTES / 64), frames(LOG_BYTES / 64), EndOfPass::Cut),
            (LOG_BYTES + 1, 0, 0, EndOfPass::Cut),
            (0, 0, 0, EndOfPass::Nothing),
        ] {
            assert_eq!(end_of_pass(bytes, (1, used), moved), end, "{used} of {bytes}");
        }
        assert_eq!(end_of_pass(LOG_BYTES + 1, (much, much), much), EndOfPass::Cut, "nobody writes");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_is_begun_anew_between_two_transactions() {
        const TABLE: &str = "CREATE TABLE filled (bytes TEXT)";
        const FILL: &str = "INSERT INTO filled (bytes) VALUES (hex(randomblob(12000000)))";
        const NOTE: &str = "INSERT INTO filled (bytes) VALUES ('little')";
        /// How long a transaction goes on while a pass waits for its end.
        const LONG: Duration = Duration::from_millis(100);
        let folder = std::env::temp_dir().join(format!("palabre-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let url = format!("sqlite:{}/test.db", folder.display());
        let db = Db::open(&Options { url, readers: 1, connect_timeout: BUSY }).await.expect("a database");
        let mut conn = db.write().await.expect("a connection");
        conn.run(TABLE).await.expect("a table");
        // More than once, because on a busy machine the turn may come too late.
        for attempt in 1..=10 {
            conn.run(FILL).await.expect("a long log");
            let turn = db.log_turn().await;
            conn.run("BEGIN IMMEDIATE").await.expect("a transaction");
            conn.run(NOTE).await.expect("a row");
            let pass = db.clone();
            let pass = tokio::spawn(async move { pass.checkpoint(0).await });
            tokio::time::sleep(LONG).await;
            conn.run("COMMIT").await.expect("a commit");
            drop(turn);
            pass.await.expect("it ends").expect("a pass");
            conn.run(NOTE).await.expect("a row");
            if db.checkpoint(0).await.expect("a pass") < 10 {
                std::fs::remove_dir_all(&folder).expect("the folder goes");
                return;
            }
            println!("not at attempt {attempt}");
        }
        panic!("the log is never begun anew");
    }
}
