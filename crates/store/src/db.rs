//! Opening a database: SQLite in a file of ours, or PostgreSQL.

mod log;

use std::{
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chat::mutants::{self, Mutant};
use sqlx::{
    Connection as _, Postgres, Sqlite,
    pool::{PoolConnection, PoolOptions},
    postgres::{PgConnectOptions, PgPool},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous},
};

use crate::{
    error::{Error, Result},
    followers::Wakes,
    history::History,
    search::{self, Index},
    turns::{Turn, Turns},
};

statements! {
    META = "SELECT value FROM meta WHERE key = $1";
    NEXT_ID = "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value";
    COUNTER = "SELECT value FROM counters WHERE name = $1";
}

/// How long PostgreSQL may take for one statement while people wait for it.
const PATIENCE: Duration = Duration::from_secs(5);
tokio::task_local! {
    /// Nobody but an operator waits for what is done here.
    static UNHURRIED: ();
}
/// A connection that was not used for so long is asked for a sign of life before it is.
const RESTED: Duration = Duration::from_millis(500);

/// How long one statement on SQLite waits for another that is in its way.
const BUSY: Duration = Duration::from_secs(5);

/// How long leaving PostgreSQL in good order may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// The answer to a statement, if it comes in time.
pub(crate) async fn in_time<T>(statement: impl Future<Output = T>) -> Option<T> {
    if UNHURRIED.try_with(|()| ()).is_ok() {
        return Some(statement.await);
    }
    tokio::time::timeout(PATIENCE, statement).await.ok()
}

/// Does what may take long, such as a restore: its statements are waited for, however long they take.
pub(crate) async fn unhurried<T>(work: impl Future<Output = T>) -> T {
    UNHURRIED.scope((), work).await
}

/// How to open a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Connections for reading; one more is the writer's.
    pub readers: u32,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
}

/// A database: many readers, one writer. (On SQLite nothing else is possible; on PostgreSQL one
/// connection per node with batches beats many with single rows.)
#[derive(Clone)]
pub struct Db {
    readers: Pool,
    /// Turns at those, and how long one may wait for one.
    turns: Turns,
    patience: Duration,
    writer: Pool,
    /// SQLite's file.
    file: Option<PathBuf>,
    /// The name of this opening of the database, where several share it.
    node: Arc<AtomicI64>,
    /// The history of the database, as far as this node knows it.
    history: Arc<History>,
    /// Where the index for searching is.
    index: Arc<Index>,
    /// Those who wait for commits.
    wakes: Arc<Wakes>,
    /// Who waits for messages alone.
    message_wakes: Arc<Wakes>,
    /// Held while a transaction writes, and while SQLite begins its log anew.
    log_turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A connection for reading, until it is dropped.
pub struct Reading {
    conn: Conn,
    /// Dropped after the connection, which is in its pool by then.
    _turn: Turn,
}

/// A connection to either database.
pub enum Conn {
    /// To a SQLite file.
    Sqlite(PoolConnection<Sqlite>),
    /// To a PostgreSQL server.
    Postgres(PoolConnection<Postgres>),
}

impl Db {
    /// Opens the database; creates a SQLite file that is not there. Does not migrate.
    ///
    /// # Errors
    /// If the URL is not understood or the database cannot be reached.
    pub async fn open(options: &Options) -> Result<Self> {
        let node = Arc::new(AtomicI64::new(random_node()?));
        let history = Arc::new(History::default());
        let url = options.url.as_str();
        let (readers, writer, file, index) = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let connect = postgres_options(url)?;
            // Statements ask for rows by their keys, as they are written for SQLite, which knows no other way. Left to
            // guess from young statistics, the planner would read whole tables for one message, and keep that plan.
            let by_keys = connect.options([
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                // PostgreSQL compiles plans that it believes dear, and each plan that needs one of these is priced so.
                ("jit", "off"),
            ]);
            // The rows that the writer has locked must not wait for a node that is cut off.
            let hurried = by_keys.clone().options([("idle_in_transaction_session_timeout", "3000")]);
            let pool = |n, connect| {
                // Before every use it would double the cost of a read; this is before the first use after an outage.
                let alive = pool_options::<Postgres>(options, n).before_acquire(|conn, about| {
                    Box::pin(async move {
                        if about.idle_for < RESTED {
                            return Ok(true);
                        }
                        Ok(tokio::time::timeout(Duration::from_secs(1), conn.ping())
                            .await
                            .is_ok_and(|alive| alive.is_ok()))
                    })
                });
                alive.connect_with(connect)
            };
            let readers = pool(options.readers, by_keys.clone()).await?;
            // Texts are cut in the middle of a transaction, which may take a while; nobody waits for its locks.
            let unhurried = by_keys.options([("idle_in_transaction_session_timeout", "60000")]);
            // Followers write beside the writer, so that nobody who sends waits for them. Opened when it is used.
            let aside = pool_options::<Postgres>(options, 1).min_connections(0).connect_lazy_with(unhurried);
            (Pool::Postgres(readers), Pool::Postgres(pool(1, hurried).await?), None, Index::Table(aside))
        } else if url.starts_with("sqlite:") {
            let connect = sqlite_options(url)?;
            let file = connect.get_filename().to_owned();
            let index = Index::File(search::file::path_beside(&file), tokio::sync::Mutex::default());
            // Checkpoints are kept off the commit's path: see `checkpoint`.
            let writer = connect.clone().pragma("wal_autocheckpoint", "0").pragma("cache_size", "-65536");
            let writer = pool_options::<Sqlite>(options, 1).connect_with(writer).await?;
            let readers = connect.pragma("query_only", "on");
            // Each is a thread; more than the cores can run only wait for each other.
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            let useful = u32::try_from(cores * 2).unwrap_or(u32::MAX).max(2);
            let readers =
                pool_options::<Sqlite>(options, options.readers.clamp(1, useful)).connect_with(readers).await?;
            (Pool::Sqlite(readers), Pool::Sqlite(writer), Some(file), index)
        } else {
            return Err(Error::Other("the database URL must begin with sqlite: or postgres://".into()));
        };
        let turns = Turns::new(readers.size());
        let (index, wakes, message_wakes) = (Arc::new(index), Arc::default(), Arc::default());
        let log_turn = Arc::default();
        let patience = options.connect_timeout;
        Ok(Self { readers, turns, patience, writer, file, node, history, index, wakes, message_wakes, log_turn })
    }

    /// Whether it is the embedded SQLite.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self.writer, Pool::Sqlite(_))
    }

    /// The name of this opening of the database, where several share it: a random number, another at every start,
    /// after each commit of which nobody knows whether it was made, and after a silence of days. What that one has
    /// written is then as if another node had.
    #[must_use]
    pub fn node(&self) -> i64 {
        self.node.load(Ordering::Relaxed)
    }

    /// SQLite's file.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// The conversations in which this node has committed something, for its followers.
    #[must_use]
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// The messages that this node has committed, for those who are told of them on devices.
    #[must_use]
    pub fn message_wakes(&self) -> &Wakes {
        &self.message_wakes
    }

    /// Takes another name; keeps the present one where there is no chance.
    pub(crate) fn rename(&self) {
        self.history.doubt();
        if let Ok(name) = random_node() {
            self.node.store(name, Ordering::Relaxed);
        }
    }

    /// A connection for reading, when it is the turn of whoever this task reads for (see [`crate::turns`]).
    ///
    /// # Errors
    /// If none can be had in time.
    pub async fn read(&self) -> Result<Reading> {
        let turn = tokio::time::timeout(self.patience, self.turns.next()).await;
        let turn = turn.map_err(|_| Error::from(sqlx::Error::PoolTimedOut))?;
        Ok(Reading { conn: self.readers.acquire().await?, _turn: turn })
    }

    /// The connection for writing. The [`crate::Writer`] holds it; nobody else writes.
    ///
    /// # Errors
    /// If it cannot be had in time.
    pub(crate) async fn write(&self) -> Result<Conn> {
        self.writer.acquire().await
    }

    /// How many bytes the database takes on its disk, what waits in SQLite's log included.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn storage_bytes(&self, conn: &mut Conn) -> Result<i64> {
        match conn {
            Conn::Sqlite(_) => Ok(self.file.as_deref().map(bytes_on_disk).unwrap_or_default()),
            Conn::Postgres(conn) => {
                let size = sqlx::query_as("SELECT pg_database_size(current_database())").fetch_one(&mut **conn);
                let (bytes,): (i64,) = size.await?;
                Ok(bytes)
            }
        }
    }

    /// Makes an empty PostgreSQL schema of this name (letters, digits and `_`), for one test to work in.
    ///
    /// # Errors
    /// If it is not PostgreSQL, or the name is not such a name.
    pub async fn create_schema_for_tests(&self, name: &str) -> Result<()> {
        match &self.writer {
            Pool::Postgres(pool) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(pool).await?;
                Ok(())
            }
            _ => Err(Error::Other("a schema needs PostgreSQL and a plain name".into())),
        }
    }

    /// Writes something else where the head of the conversation of this id stands, as a damaged byte or somebody's hand
    /// does, for one test to see what follows.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn damage_head_for_tests(&self, conversation: i64, head: i64) -> Result<()> {
        crate::heads::set(&mut self.write().await?, chat::ConversationId(conversation), head).await
    }

    /// Closes all connections.
    pub async fn close(&self) {
        for pool in [&self.readers, &self.writer] {
            match pool {
                Pool::Sqlite(pool) => pool.close().await,
                Pool::Postgres(pool) => pool.close().await,
            }
        }
        match &*self.index {
            Index::Table(pool) => pool.close().await,
            Index::File(_, opened) => {
                if let Some(file) = opened.lock().await.take() {
                    file.close().await;
                }
            }
        }
    }
}

/// How every connection to a SQLite file is made.
pub(crate) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    Ok(SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous())
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(200)
        // A page of rows crosses to this thread without waiting in between.
        .row_buffer_size(512)
        .pragma("cache_size", "-16384")
        .pragma("temp_store", "memory"))
}

/// How every connection to a PostgreSQL server is made.
pub(crate) fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?
        .application_name("palabre")
        // Whatever the server's default is: an answer means that it is on disk.
        .options([("synchronous_commit", if mutants::is(Mutant::SkipFsync) { "off" } else { "on" })]))
}

/// The id of the history that a database holds, if it was given one.
pub(crate) async fn epoch_in(conn: &mut Conn) -> Result<Option<String>> {
    Ok(sql!(conn, fetch_optional as (String,), META, "epoch")?.map(|(epoch,)| epoch))
}

/// A random id of 128 bits.
pub(crate) fn random_id() -> Result<String> {
    let mut fresh = [0_u8; 16];
    getrandom::fill(&mut fresh).map_err(|e| Error::Other(format!("no randomness: {e}")))?;
    Ok(fresh.iter().map(|b| format!("{b:02x}")).collect())
}

/// How far a commit waits for the disk: until what it wrote is there.
fn synchronous() -> SqliteSynchronous {
    if mutants::is(Mutant::SkipFsync) { SqliteSynchronous::Normal } else { SqliteSynchronous::Full }
}

fn random_node() -> Result<i64> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(|e| Error::Other(format!("no randomness: {e}")))?;
    Ok(i64::from_le_bytes(bytes) & chat::MAX_SAFE_INTEGER)
}

/// The size of SQLite's file and of the log beside it.
fn bytes_on_disk(file: &Path) -> i64 {
    i64::try_from(size(file) + size(&log_of(file))).unwrap_or(i64::MAX)
}

fn log_of(file: &Path) -> PathBuf {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |about| about.len())
}

fn pool_options<D: sqlx::Database>(options: &Options, connections: u32) -> PoolOptions<D> {
    PoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(options.connect_timeout)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

impl Pool {
    /// How many connections it may have.
    fn size(&self) -> usize {
        let size = match self {
            Self::Sqlite(pool) => pool.options().get_max_connections(),
            Self::Postgres(pool) => pool.options().get_max_connections(),
        };
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    async fn acquire(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite(pool) => Conn::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        })
    }
}

impl Deref for Reading {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Conn {
    /// Runs a statement without parameters or rows: `BEGIN`, `COMMIT`, savepoints.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn run(&mut self, text: &'static str) -> Result<()> {
        match self {
            Self::Sqlite(c) => sqlx::query(text).execute(&mut **c).await.map(|_| ())?,
            Self::Postgres(c) => in_time!(c, sqlx::raw_sql(text).execute(&mut **c)).map(|_| ())?,
        }
        Ok(())
    }

    /// Takes a connection in an unknown state out of its pool and closes it.
    pub(crate) async fn discard(self) {
        let closed = match self {
            Self::Sqlite(c) => c.close().await,
            // Nobody may be there to take leave of.
            Self::Postgres(c) => tokio::time::timeout(FAREWELL, c.close()).await.unwrap_or(Ok(())),
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "closing a broken connection failed");
        }
    }

    /// Whether it leads to the embedded SQLite, which has one writer.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Prepares a statement without running it.
    ///
    /// # Errors
    /// If the database does not accept it.
    pub async fn prepare(&mut self, text: &'static str) -> Result<()> {
        use sqlx::{Executor, SqlSafeStr};
        match self {
            Self::Sqlite(c) => c.prepare(text.into_sql_str()).await.map(|_| ())?,
            Self::Postgres(c) => c.prepare(text.into_sql_str()).await.map(|_| ())?,
        }
        Ok(())
    }

    /// The next id of a counter (`user`, `conversation`, `session`, `reminder`).
    pub(crate) async fn next_id(&mut self, counter: &'static str) -> Result<i64> {
        let (id,) = sql!(self, fetch_one as (i64,), NEXT_ID, counter)?;
        Ok(id)
    }

    /// Waits until no other node is taking an id of this counter and makes others wait for this transaction: whoever
    /// looks whether something is there before making it must look after that.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn before_making(&mut self, counter: &'static str) -> Result<()> {
        // On SQLite, which has one writer, nobody else is making anything.
        if let Self::Postgres(c) = self {
            let locked = sqlx::AssertSqlSafe(format!("{COUNTER} FOR UPDATE"));
            let _value: (i64,) = in_time!(c, sqlx::query_as(locked).bind(counter).fetch_one(&mut **c))?;
        }
        Ok(())
    }
}
