//! The writer: everything that has piled up while the last commit was under way is the next
//! transaction. Alone, a write waits for nothing; under load, hundreds share one flush of the disk.
//!
//! Sends are written a batch at a time ([`crate::appends`]); every other change runs as a closure under
//! a savepoint of its own. Nobody is answered, and nobody is told, before the commit has returned.
//!
//! `queue` has what waits, `begin` how a transaction begins.

mod begin;
mod queue;

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chat::{
    ConnectionId, ErrorCode, Event, Fact, Millis, Outgoing, Scope,
    accounts::Speaker,
    mentions::Called,
    messages::{Sent, Submission},
    mutants::{self, Mutant},
};
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Committed, Conn, Db, Error, Unit, appends,
    clock::Steady,
    heads::Heads,
    health::{self, Health},
    history::Mark,
};
use queue::{Job, QUEUE, Queue};

/// Gives the answer to a send, after the commit, at the moment at which subscribers are told.
pub type Done = Box<dyn FnOnce(chat::Result<Sent>) + Send>;

/// A send on its way into the database, and who is told the outcome.
pub struct Append {
    /// The message that is to be stored.
    pub message: NewMessage,
    /// Is told the outcome.
    pub done: Done,
}

/// A message that is to be stored.
pub struct NewMessage {
    /// Its author.
    pub author: Speaker,
    /// What, where, and under which client id.
    pub submission: Submission,
    /// On which connection.
    pub origin: Option<ConnectionId>,
    /// Whom the text calls, if it calls anybody.
    pub called: Option<Box<Called>>,
    /// How many people it may reach without a confirmation.
    pub unconfirmed: i64,
    /// Whether its text has a link that is previewed where the conversation wants it.
    pub has_link: bool,
}

/// A boxed future that lives as long as the unit it works on.
pub type Work<'u, T> = Pin<Box<dyn Future<Output = chat::Result<T>> + Send + 'u>>;

type Closure = Box<dyn for<'u> FnOnce(&'u mut Unit) -> Work<'u, Answer> + Send>;
/// Gives the waiting caller its answer, or the failure of the whole transaction.
type Answer = Box<dyn FnOnce(Option<chat::Error>) + Send>;

/// Where committed batches go: to the stream, in the order of their commits, with the answers that
/// are to be given at the same time.
pub type Outlet = mpsc::Sender<(Committed, Vec<Box<dyn FnOnce() + Send>>)>;

/// The way to change anything. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    sent: Arc<AtomicU64>,
    health: Health,
    /// SQLite's file.
    file: Option<PathBuf>,
}

impl Writer {
    /// Starts the writer of a database. `clock` tells the time; committed batches go to `outlet`. The
    /// task ends when the last [`Writer`] is dropped and everything accepted was committed.
    pub fn start(
        db: Db,
        clock: Arc<dyn Fn() -> Millis + Send + Sync>,
        outlet: Outlet,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        if db.is_sqlite() {
            let jobs = jobs.downgrade();
            tokio::spawn(db.clone().keep_log_short(move || jobs.upgrade().is_some()));
        }
        let sent = Arc::new(AtomicU64::new(0));
        let health = Health::default();
        let file = db.file().map(Path::to_owned);
        let committer = Committer {
            db,
            clock,
            steady: Steady::new(),
            times_due: Some(Instant::now()),
            outlet,
            conn: None,
            sent: sent.clone(),
            mark: None,
            followed: None,
            health: health.clone(),
            heads: Heads::default(),
        };
        (Self { jobs, sent, health, file }, tokio::spawn(committer.run(queue)))
    }

    /// How many messages were stored since the start.
    #[must_use]
    pub fn messages_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether the database takes writes: known by the last commit, or tried now.
    ///
    /// # Errors
    /// Why it takes none.
    pub async fn check(&self) -> chat::Result<()> {
        let attempt = |fill| {
            let writer = self.clone();
            async move {
                if let Some(file) = writer.file.clone().filter(|_| fill) {
                    health::try_for_room(file).await?;
                }
                let work = writer.change(&[], None, move |unit| {
                    Box::pin(async move { Ok(health::try_to_write(&mut unit.conn, fill).await?) })
                });
                work.await
            }
        };
        self.health.check(attempt).await
    }

    /// Queues a send; waits only while the queue is full. The outcome goes to `append.done`.
    pub async fn append(&self, append: Append) {
        if let Err(mpsc::error::SendError(Job::Append(append))) = self.jobs.send(Job::Append(append)).await {
            (append.done)(Err(stopping()));
        }
    }

    /// Runs a change in the next transaction and returns its result once that is committed. If the
    /// closure refuses, what it did is rolled back and nothing of it is told.
    ///
    /// `scopes` are what the closure will number, but for a conversation that it makes itself: their rows are locked
    /// first and in one order, conversations before accounts, so that two nodes never wait for each other. They are few:
    /// what numbers more than a few hundred is done in parts.
    ///
    /// # Errors
    /// The closure's own, or `unavailable`, `storage_full`, `outcome_unknown` from the commit.
    pub async fn change<T, F>(&self, scopes: &[Scope], origin: Option<ConnectionId>, work: F) -> chat::Result<T>
    where
        T: Send + 'static,
        F: for<'u> FnOnce(&'u mut Unit) -> Work<'u, T> + Send + 'static,
    {
        let (answer, result) = oneshot::channel::<chat::Result<T>>();
        let slot = Arc::new(std::sync::Mutex::new(Some(answer)));
        let take =
            move |slot: &std::sync::Mutex<Option<oneshot::Sender<_>>>| slot.lock().ok().and_then(|mut s| s.take());
        let (for_work, for_refusal) = (slot.clone(), slot);
        let work: Closure = Box::new(move |unit| {
            Box::pin(async move {
                let value = work(unit).await?;
                let give: Answer = Box::new(move |failure| {
                    if let Some(answer) = take(&for_work) {
                        let _gone = answer.send(failure.map_or(Ok(value), Err));
                    }
                });
                Ok(give)
            })
        });
        let refuse: Answer = Box::new(move |failure| {
            if let Some(answer) = take(&for_refusal) {
                let _gone = answer.send(Err(failure.unwrap_or_else(chat::Error::internal)));
            }
        });
        if self.jobs.send(Job::Change { scopes: scopes.to_vec(), origin, work, refuse }).await.is_err() {
            return Err(stopping());
        }
        result.await.unwrap_or_else(|_| Err(stopping()))
    }
}

fn messages_in(committed: &Committed) -> u64 {
    let message = |told: &&Outgoing| matches!(told, Outgoing::Event(Event { fact: Fact::MessageCreated(_), .. }));
    committed.iter().filter(message).count() as u64
}

fn stopping() -> chat::Error {
    chat::Error {
        retry_after_ms: Some(1_000),
        ..chat::Error::new(ErrorCode::Unavailable, "The server is stopping; nothing was stored.")
    }
}

fn unknown() -> chat::Error {
    chat::Error {
        retry_after_ms: Some(1_000),
        ..chat::Error::new(ErrorCode::OutcomeUnknown, "The commit was not confirmed. Repeat with the same client id.")
    }
}

/// One job inside the transaction: its answer if the commit succeeds, and the words
/// for it if it does not.
type Settled = Box<dyn FnOnce(Option<chat::Error>) + Send>;

struct Committer {
    db: Db,
    clock: Arc<dyn Fn() -> Millis + Send + Sync>,
    steady: Steady,
    /// From when on conversations' times of last activity are to be looked at that may lie in the future.
    times_due: Option<Instant>,
    outlet: Outlet,
    conn: Option<Conn>,
    sent: Arc<AtomicU64>,
    /// Where this node stands once the transaction that has begun is committed.
    mark: Option<Mark>,
    /// The batch was refused because the database was not the history that this node knew. Whether it is another is
    /// told with the refusals.
    followed: Option<bool>,
    health: Health,
    heads: Heads,
}

impl Committer {
    async fn run(mut self, jobs: mpsc::Receiver<Job>) {
        let mut queue = Queue { jobs, left: None };
        let mut batches = 0_u64;
        loop {
            let jobs = queue.next().await;
            if jobs.is_empty() {
                return;
            }
            let begun = Instant::now();
            let mut settled = Vec::with_capacity(jobs.len());
            let turn = self.db.log_turn().await;
            let outcome = self.transaction(jobs, &mut queue, &mut settled).await;
            drop(turn);
            metrics::histogram!("chat_db_operation_duration_seconds", "operation" => "commit").record(begun.elapsed());
            metrics::histogram!("palabre_commit_batch_size").record(settled.len() as f64);
            let (committed, failure) = match outcome {
                Ok(committed) => {
                    self.health.committed(Instant::now());
                    self.db.wakes().note(&committed);
                    self.db.message_wakes().note_messages(&committed);
                    let messages = messages_in(&committed);
                    batches += 1;
                    let refuse = mutants::is(Mutant::RefuseAfterCommit) && messages > 0 && batches.is_multiple_of(50);
                    self.sent.fetch_add(messages, Ordering::Relaxed);
                    metrics::counter!("chat_messages_sent_total").increment(messages);
                    (committed, refuse.then(stopping))
                }
                Err(failure) => {
                    let followed = self.followed.take();
                    // A node that follows the database into another history has just written there.
                    if followed.is_none() {
                        self.health.failed(&failure);
                    }
                    metrics::counter!("chat_errors_total", "type" => "database").increment(1);
                    let doubt = failure.code == ErrorCode::OutcomeUnknown;
                    if doubt {
                        self.db.rename();
                    }
                    let anew = (followed == Some(true)).then_some(Outgoing::NewHistory);
                    (anew.into_iter().chain(doubt.then_some(Outgoing::Doubt)).collect(), Some(failure))
                }
            };
            let answers = settled
                .into_iter()
                .map(|answer| {
                    let failure = failure.clone();
                    Box::new(move || answer(failure)) as Box<dyn FnOnce() + Send>
                })
                .collect();
            if let Err(mpsc::error::SendError((_, answers))) = self.outlet.send((committed, answers)).await {
                tracing::warn!("a batch was committed after the last subscriber had gone");
                answers.into_iter().for_each(|answer| answer());
            }
        }
    }

    /// Runs the jobs in one transaction and commits it. Whatever happens, every job ends in `settled`.
    async fn transaction(
        &mut self,
        mut jobs: Vec<Job>,
        queue: &mut Queue,
        settled: &mut Vec<Settled>,
    ) -> chat::Result<Committed> {
        let touched = jobs.iter().flat_map(Job::scopes).collect();
        let begun = match self.take_back_future().await {
            Ok(()) => self.begin(touched).await,
            Err(error) => Err(error),
        };
        let conn = match begun {
            Ok(conn) => conn,
            Err(error) => {
                settled.extend(jobs.into_iter().map(Job::into_refusal));
                return Err(error.into());
            }
        };
        queue.join_in(&mut jobs);
        let mut rest = jobs.into_iter();
        let now = self.steady.read((self.clock)());
        // Given back by a commit only: else what was mended was rolled back.
        let heads = std::mem::take(&mut self.heads);
        let mut unit = Unit { conn, now, committed: Committed::default(), origin: None, declared: Vec::new(), heads };
        let work = run_jobs(&mut unit, &mut rest, settled, &self.health);
        let mut worked = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a change panicked; its transaction is rolled back");
            Err(chat::Error::internal())
        });
        settled.extend(rest.map(Job::into_refusal));
        if worked.is_ok() {
            worked = unit.invalidation(self.db.node()).await.map_err(Into::into);
        }
        if let Err(error) = worked {
            match unit.conn.run("ROLLBACK").await {
                Ok(()) => self.conn = Some(unit.conn),
                Err(_) => unit.conn.discard().await,
            }
            return Err(error);
        }
        if mutants::is(Mutant::AckBeforeCommit) || mutants::is(Mutant::FanOutBeforeCommit) {
            self.tell_early(&mut unit, settled).await;
        }
        match unit.conn.run("COMMIT").await {
            Ok(()) => {
                self.conn = Some(unit.conn);
                self.heads = unit.heads;
                self.heads.committed(&unit.committed);
                self.mark.take().into_iter().for_each(|mark| self.db.history().passed(mark));
                Ok(unit.committed)
            }
            Err(error) => {
                tracing::error!(%error, "a commit failed");
                // The database says so itself: what ends a transaction is written last, and was not written. For the
                // rest nobody knows.
                let certain = matches!(error, Error::StorageFull(_) | Error::Unwritable(_) | Error::ReadOnly(_));
                if certain {
                    // Mostly it has rolled back already; else what closes the connection does.
                    let _rolled_back = unit.conn.run("ROLLBACK").await;
                }
                unit.conn.discard().await;
                Err(if certain { error.into() } else { unknown() })
            }
        }
    }

    /// A deliberate fault: answers, or tells the others, before the commit.
    async fn tell_early(&self, unit: &mut Unit, settled: &mut Vec<Settled>) {
        let early: (Committed, Vec<Box<dyn FnOnce() + Send>>) = if mutants::is(Mutant::AckBeforeCommit) {
            let give = |answer: Settled| Box::new(move || answer(None)) as Box<dyn FnOnce() + Send>;
            (Committed::default(), settled.drain(..).map(give).collect())
        } else {
            (std::mem::take(&mut unit.committed), Vec::new())
        };
        let _nobody_listens = self.outlet.send(early).await;
        // As if the disk were slow: on a fast one the fault would rarely show, and its proof fail by luck.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Runs the jobs in their order, neighbouring sends together.
async fn run_jobs(
    unit: &mut Unit,
    rest: &mut std::vec::IntoIter<Job>,
    settled: &mut Vec<Settled>,
    health: &Health,
) -> chat::Result<()> {
    while !rest.as_slice().is_empty() {
        let sends = rest.as_slice().iter().take_while(|job| matches!(job, Job::Append(_))).count();
        if sends > 0 {
            let mut run = Vec::with_capacity(sends);
            for job in rest.by_ref().take(sends) {
                if let Job::Append(append) = job {
                    run.push(append);
                }
            }
            appends::append(unit, run, settled).await?;
        } else if let Some(Job::Change { scopes, origin, work, refuse }) = rest.next() {
            (unit.origin, unit.declared) = (origin, scopes);
            run_change(unit, work, refuse, settled, health).await?;
            (unit.origin, unit.declared) = (None, Vec::new());
        }
    }
    Ok(())
}

async fn run_change(
    unit: &mut Unit,
    work: Closure,
    refuse: Answer,
    settled: &mut Vec<Settled>,
    health: &Health,
) -> chat::Result<()> {
    let (before, mended) = (unit.committed.len(), unit.heads.mended());
    // In place before the work begins, so that a panic in it still gives its caller an answer.
    settled.push(refuse);
    unit.conn.run("SAVEPOINT change").await?;
    match work(unit).await {
        Ok(answer) => {
            unit.conn.run("RELEASE SAVEPOINT change").await?;
            if let Some(slot) = settled.last_mut() {
                *slot = answer;
            }
        }
        Err(error) => {
            // The transaction may go on without it, and say nothing of what has failed here.
            health.failed(&error);
            if let Err(broken) = unit.conn.run("ROLLBACK TO SAVEPOINT change").await {
                return Err(why_all_failed(error, broken));
            }
            unit.conn.run("RELEASE SAVEPOINT change").await?;
            unit.committed.truncate(before);
            unit.heads.rolled_back_to(mended);
            if let Some(refuse) = settled.pop() {
                // The refusal is this job's own; should the commit fail too, it is as true as before.
                settled.push(Box::new(move |_| refuse(Some(error))));
            }
        }
    }
    Ok(())
}

/// Why a transaction failed of which a part has failed and could not be taken back alone. Where there is no room or the
/// disk fails SQLite has rolled all back by itself: that is certain, and what there is to say. A refusal of the part's
/// own says nothing about the others.
fn why_all_failed(part: chat::Error, broken: Error) -> chat::Error {
    let is_the_databases = matches!(part.code, ErrorCode::StorageFull | ErrorCode::Unavailable);
    if is_the_databases { part } else { broken.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_has_rolled_back_by_itself_fails_for_the_reason_that_it_gave() {
        let no_savepoint = || Error::Other("no such savepoint: change".into());
        for error in [Error::Unavailable("disk I/O error".into()), Error::StorageFull("full".into())] {
            let part = chat::Error::from(error);
            assert_eq!(why_all_failed(part.clone(), no_savepoint()), part);
        }
        let own = chat::Error::forbidden("not yours");
        assert_eq!(why_all_failed(own, no_savepoint()).code, ErrorCode::Internal);
    }

    /// A writer on a database of its own, which goes with the folder.
    async fn on_sqlite(name: &str) -> (Writer, Db, std::path::PathBuf) {
        let folder = std::env::temp_dir().join(format!("palabre-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let url = format!("sqlite:{}/test.db", folder.display());
        let options = crate::Options { url, readers: 1, connect_timeout: Duration::from_secs(5) };
        let db = Db::open(&options).await.expect("a database");
        db.migrate().await.expect("tables");
        let (outlet, mut batches) = mpsc::channel::<(Committed, Vec<Box<dyn FnOnce() + Send>>)>(8);
        tokio::spawn(async move {
            while let Some((_, answers)) = batches.recv().await {
                answers.into_iter().for_each(|answer| answer());
            }
        });
        let (writer, _task) = Writer::start(db.clone(), Arc::new(|| Millis(1_000)), outlet);
        (writer, db, folder)
    }

    async fn nothing(writer: &Writer) -> chat::Result<()> {
        writer.change(&[], None, |_| Box::pin(async { Ok(()) })).await
    }

    #[tokio::test]
    async fn another_history_says_nothing_against_the_database() {
        let (writer, db, folder) = on_sqlite("another").await;
        nothing(&writer).await.expect("a first commit");
        let epoch = db.epochs().borrow().id.clone();
        assert!(db.note_lost(&epoch, "a test".into()));
        assert_eq!(nothing(&writer).await.expect_err("of before").code, ErrorCode::Unavailable);
        assert_eq!(writer.health.ask(Instant::now()), health::Verdict::Known(Ok(())));
        std::fs::remove_dir_all(&folder).expect("the folder goes");
    }

    #[tokio::test]
    async fn a_transaction_has_the_turn_at_the_log() {
        let (writer, db, folder) = on_sqlite("turn").await;
        let own = db.clone();
        let is_taken = writer.change(&[], None, move |_| Box::pin(async move { Ok(own.has_log_turn()) })).await;
        assert_eq!((is_taken, db.has_log_turn()), (Ok(true), false));
        std::fs::remove_dir_all(&folder).expect("the folder goes");
    }
}
