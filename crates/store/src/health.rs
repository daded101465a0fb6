//! Whether the database takes writes: by its last commit, or by trying.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chat::ErrorCode;

use crate::{Conn, Error, Result};

statements! {
    /// Writes what is there already: one row, one flush of the disk, no change.
    TRY = "UPDATE counters SET value = value WHERE name = 'session'";
}

/// For PostgreSQL, whose small rows find room for a long time in a file that cannot grow any more: a new file, where
/// the tables are. It is never committed.
const FILL: &str = "CREATE TABLE palabre_room AS
                    SELECT repeat(md5(s.i::text), 8) AS filler FROM generate_series(1, 1000) AS s (i)";

/// For SQLite, whose small rows find room in pages that are there: so many bytes beside its file, written in so many
/// pieces.
const ROOM: usize = 4 << 20;
const PIECES: usize = 64;

/// For so long a commit proves that the next one will succeed.
const PROVEN: Duration = Duration::from_secs(5);
/// For so long what a try has found holds, however often somebody asks.
const PAUSE: Duration = Duration::from_millis(500);

/// The known health of the database. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health {
    known: Arc<Mutex<Known>>,
    /// Held by the one who tries: strangers may ask, and their tries would fill the writer's queue.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Known {
    committed: Option<Instant>,
    /// When somebody tried last, and why that failed.
    tried: Option<(Instant, chat::Error)>,
    failing: Option<chat::Error>,
}

/// How to get an answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Whether writes succeed, or why they fail.
    Known(chat::Result<()>),
    /// Nobody knows: try, and make sure of room if that was missing.
    Try {
        /// Whether the last write failed because there was no room.
        fill: bool,
    },
}

impl Known {
    fn is_full(&self) -> bool {
        self.failing.as_ref().is_some_and(|why| why.code == ErrorCode::StorageFull)
    }
}

impl Health {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a commit. It does not prove that there is room: small rows may find some where large ones do not.
    pub(crate) fn committed(&self, now: Instant) {
        let mut known = self.known();
        known.committed = Some(now);
        if !known.is_full() {
            known.failing = None;
        }
    }

    /// Notes that a transaction failed, or a part of one. A mistake of the program says nothing about the database.
    pub(crate) fn failed(&self, error: &chat::Error) {
        let codes = [ErrorCode::StorageFull, ErrorCode::Unavailable, ErrorCode::OutcomeUnknown];
        let mut known = self.known();
        // That there was no room is not over because the database has gone away besides.
        if codes.contains(&error.code) && !known.is_full() {
            known.failing = Some(error.clone());
        }
    }

    /// The present health; if it is not known, one caller tries for all who ask meanwhile. A try goes on to its end
    /// also where its caller has gone, and the next one begins after that.
    ///
    /// # Errors
    /// Why writes fail.
    pub(crate) async fn check<F>(&self, attempt: impl FnOnce(bool) -> F) -> chat::Result<()>
    where
        F: Future<Output = chat::Result<()>> + Send + 'static,
    {
        if let Verdict::Known(known) = self.ask(Instant::now()) {
            return known;
        }
        let turn = self.turn.clone().lock_owned().await;
        let fill = match self.ask(Instant::now()) {
            Verdict::Known(known) => return known,
            Verdict::Try { fill } => fill,
        };
        let (health, attempt) = (self.clone(), attempt(fill));
        let trying = tokio::spawn(async move {
            let found = attempt.await;
            health.tried(&found, fill, Instant::now());
            drop(turn);
            found
        });
        trying.await.unwrap_or_else(|_| Err(chat::Error::internal()))
    }

    /// Notes what a try has found, which made sure of room or did not.
    fn tried(&self, found: &chat::Result<()>, fill: bool, now: Instant) {
        let mut known = self.known();
        known.tried = found.as_ref().err().map(|why| (now, why.clone()));
        if fill && found.is_ok() {
            known.failing = None;
        }
    }

    /// The present health, as far as it is known.
    pub(crate) fn ask(&self, now: Instant) -> Verdict {
        let known = self.known();
        let since = |at: Instant| now.saturating_duration_since(at);
        if known.failing.is_none() && known.committed.is_some_and(|at| since(at) < PROVEN) {
            return Verdict::Known(Ok(()));
        }
        match &known.tried {
            Some((at, why)) if since(*at) < PAUSE => Verdict::Known(Err(why.clone())),
            _ => Verdict::Try { fill: known.is_full() },
        }
    }
}

/// Tries to write, in a transaction that the caller commits.
///
/// # Errors
/// Why nothing can be written.
pub(crate) async fn try_to_write(conn: &mut Conn, fill: bool) -> Result<()> {
    if fill && let Conn::Postgres(_) = conn {
        try_to_fill(conn).await?;
    }
    sql!(conn, execute, TRY)?;
    Ok(())
}

/// Tries to make a large table, and leaves nothing of it.
async fn try_to_fill(conn: &mut Conn) -> Result<()> {
    conn.run("SAVEPOINT room").await?;
    let filled = conn.run(FILL).await;
    conn.run("ROLLBACK TO SAVEPOINT room").await?;
    conn.run("RELEASE SAVEPOINT room").await?;
    match filled {
        // A server on which this program may make no tables: there the small row has to do.
        Err(Error::Other(why)) => {
            tracing::debug!(why, "whether there is room could not be tried with a large table");
            Ok(())
        }
        filled => filled,
    }
}

/// Makes sure that there is room beside SQLite's file, and leaves nothing there.
///
/// # Errors
/// [`Error::StorageFull`] if there is none.
pub(crate) async fn try_for_room(database: PathBuf) -> Result<()> {
    let tried = tokio::task::spawn_blocking(move || fill_beside(&database)).await;
    match tried.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(()) => Ok(()),
        Err(error) if is_full(&error) => Err(Error::StorageFull(error.to_string())),
        // Whatever else forbids it: there the small row has to do.
        Err(error) => {
            tracing::debug!(%error, "whether there is room could not be tried with a file");
            Ok(())
        }
    }
}

/// A disk, a quota or the limit of a file's size that is used up.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

fn fill_beside(database: &Path) -> io::Result<()> {
    let mut name = fs::canonicalize(database)?.into_os_string();
    name.push("-room");
    let mut file = File::create(&name)?;
    // It has lost its name before it has a byte: however this ends, and the process with it, nothing is left.
    fs::remove_file(&name)?;
    let mut piece = vec![0; ROOM / PIECES];
    // The part that a file system cannot make smaller.
    getrandom::fill(&mut piece).map_err(io::Error::other)?;
    for _ in 0..PIECES {
        file.write_all(&piece)?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::watch;

    use super::*;

    fn refusal(code: ErrorCode) -> chat::Error {
        chat::Error::new(code, "a test")
    }

    #[test]
    fn a_commit_proves_for_five_seconds_that_writes_succeed() {
        let (begin, health) = (Instant::now(), Health::default());
        assert_eq!(health.ask(begin), Verdict::Try { fill: false });
        health.committed(begin);
        assert_eq!(health.ask(begin + Duration::from_millis(4_999)), Verdict::Known(Ok(())));
        assert_eq!(health.ask(begin + PROVEN), Verdict::Try { fill: false });
    }

    #[test]
    fn while_writes_fail_somebody_tries_twice_a_second_and_a_commit_ends_it() {
        let (begin, health) = (Instant::now(), Health::default());
        let away = refusal(ErrorCode::Unavailable);
        health.committed(begin);
        health.failed(&away);
        assert_eq!(health.ask(begin), Verdict::Try { fill: false });
        health.tried(&Err(away.clone()), false, begin);
        assert_eq!(health.ask(begin + Duration::from_millis(499)), Verdict::Known(Err(away)));
        assert_eq!(health.ask(begin + PAUSE), Verdict::Try { fill: false });
        health.committed(begin + PAUSE);
        assert_eq!(health.ask(begin + PAUSE), Verdict::Known(Ok(())));
        health.failed(&refusal(ErrorCode::Internal));
        assert_eq!(health.ask(begin + PAUSE), Verdict::Known(Ok(())));
    }

    #[test]
    fn that_there_was_no_room_is_over_only_when_some_was_tried() {
        let (begin, health) = (Instant::now(), Health::default());
        health.failed(&refusal(ErrorCode::StorageFull));
        // The refused write was part of a transaction that was committed without it; and small ones follow.
        health.committed(begin);
        health.failed(&refusal(ErrorCode::Unavailable));
        health.committed(begin);
        assert_eq!(health.ask(begin), Verdict::Try { fill: true });
        health.tried(&Ok(()), false, begin);
        assert_eq!(health.ask(begin), Verdict::Try { fill: true });
        health.tried(&Ok(()), true, begin);
        assert_eq!(health.ask(begin), Verdict::Known(Ok(())));
    }

    #[tokio::test]
    async fn trying_for_room_leaves_nothing_and_overwrites_what_another_has_left() {
        let folder = std::env::temp_dir().join(format!("palabre-room-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let database = folder.join("test.db");
        fs::write(&database, "a database").expect("a file");
        fs::write(folder.join("test.db-room"), "of a process that was killed").expect("a file");
        try_for_room(database.clone()).await.expect("there is room");
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 1);
        assert_eq!(fs::read(&database).expect("the file"), b"a database");
        fs::remove_dir_all(&folder).expect("the folder goes");
        try_for_room(database).await.expect("what cannot be tried says nothing");
    }

    #[tokio::test]
    async fn however_many_ask_one_tries_for_all_also_when_they_do_not_wait() {
        let (health, tries) = (Health::default(), Arc::new(AtomicUsize::new(0)));
        let (end, ended) = watch::channel(false);
        let ask = || {
            let (health, tries, mut ended) = (health.clone(), tries.clone(), ended.clone());
            tokio::spawn(async move {
                let attempt = |_fill| async move {
                    tries.fetch_add(1, Ordering::Relaxed);
                    let _ended = ended.wait_for(|ended| *ended).await;
                    Err(refusal(ErrorCode::Internal))
                };
                health.check(attempt).await
            })
        };
        // Strangers who do not wait for the answer.
        for _ in 0..20 {
            let gone = ask();
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            gone.abort();
        }
        let waiting: Vec<_> = (0..20).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        assert_eq!(tries.load(Ordering::Relaxed), 1);
        end.send(true).expect("somebody waits");
        for asked in waiting {
            assert_eq!(asked.await.expect("an answer"), Err(refusal(ErrorCode::Internal)));
        }
    }
}
