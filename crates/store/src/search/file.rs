//! SQLite's index: a file of its own beside the database, so that writing it holds up nobody who sends. It is not waited
//! for until it is on the disk, and not backed up: if it is lost, damaged, of other rules or another history, it is
//! made anew. How far it has come stands in it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chat::search::{Phrase, searched, terms};
use serde::Serialize;
use sqlx::{
    AssertSqlSafe, Sqlite,
    pool::{PoolConnection, PoolOptions},
    sqlite::{SqliteConnectOptions, SqliteError, SqliteJournalMode, SqlitePool, SqliteSynchronous},
};

use super::{Needle, marks, version};
use crate::{
    Error, Result,
    appends::{json, json_ids},
    followers::{Changed, Window},
};

pub(super) const ABOUT: &str = "SELECT version, epoch FROM about";
/// Without the texts; what is deleted is gone from the file, too, and not only marked.
const TABLES: &str = "CREATE TABLE about (version TEXT NOT NULL, epoch TEXT NOT NULL) STRICT;
     CREATE TABLE cursors (conversation_id INTEGER PRIMARY KEY, rev INTEGER NOT NULL) STRICT;
     CREATE VIRTUAL TABLE texts USING fts5(terms, content='', contentless_delete=1, tokenize='ascii');
     INSERT INTO texts(texts, rank) VALUES ('secure-delete', 1);";
const DESCRIBE: &str = "INSERT INTO about (version, epoch) VALUES ($1, $2)";
const CURSORS: &str = "SELECT conversation_id, rev FROM cursors
                       WHERE conversation_id IN (SELECT j.value ->> 'v' FROM json_each($1) AS j)";
pub(super) const ALL_CURSORS: &str = "SELECT conversation_id, rev FROM cursors";
const CURSORS_BETWEEN: &str = "SELECT conversation_id, rev FROM cursors
                               WHERE conversation_id > $1 AND conversation_id <= $2";
const COUNT_CURSORS: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM cursors LIMIT 1)";
const TAKE_OUT: &str = "DELETE FROM texts WHERE rowid IN (SELECT j.value ->> 'v' FROM json_each($1) AS j)";
/// With as many rows of `(?, ?)`: as objects of a JSON text, SQLite would write and read each of them several times.
const PUT: &str = "INSERT OR REPLACE INTO texts (rowid, terms) VALUES ";
/// Rows of one such statement at most. Fewer are powers of two, so that few statements are prepared.
const AT_ONCE: usize = 64;
const ADVANCE: &str = "INSERT INTO cursors (conversation_id, rev)
                       SELECT j.value ->> 'c', j.value ->> 'r' FROM json_each($1) AS j WHERE true
                       ON CONFLICT (conversation_id) DO UPDATE SET rev = excluded.rev";
const CANDIDATES: &str = "SELECT rowid FROM texts WHERE texts MATCH $1 AND rowid >= $2 AND rowid < $3
                          ORDER BY rowid DESC LIMIT CAST($4 AS BIGINT)";

/// How long a statement waits for another process, such as an operator's command.
const BUSY: Duration = Duration::from_secs(5);

/// The index's file, opened.
pub(crate) struct File {
    path: PathBuf,
    epoch: String,
    readers: SqlitePool,
    writer: SqlitePool,
    is_damaged: AtomicBool,
    /// Whether its follower has looked at all conversations since it was opened.
    was_looked_through: AtomicBool,
}

/// A transaction on it. If it is not committed its connection is closed: a full disk may have ended the transaction for
/// SQLite and not for the connection, which would then begin no other.
pub(crate) struct Writing<'f> {
    file: &'f File,
    conn: PoolConnection<Sqlite>,
    is_committed: bool,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.is_committed {
            self.conn.close_on_drop();
        }
    }
}

/// The writes of a pass.
pub(crate) struct Encoded {
    /// The ids of messages that were deleted, if any were.
    gone: Option<String>,
    /// The terms of texts, by the ids of their messages.
    texts: Vec<(i64, String)>,
}

/// Where the index of a database is.
pub(crate) fn path_beside(database: &Path) -> PathBuf {
    database.with_extension("search.db")
}

impl File {
    /// Opens the file; makes it anew if it is not of this version and history, or cannot be read.
    pub(crate) async fn open(path: &Path, epoch: &str) -> Result<Self> {
        if let Some(file) = Self::try_open(path, epoch).await {
            return Ok(file);
        }
        remove(path)?;
        own(path)?;
        let file = Self::connect(path, epoch).await?;
        sqlx::raw_sql(TABLES).execute(&file.writer).await.map_err(|error| file.failed(error))?;
        let described = sqlx::query(DESCRIBE).bind(version()).bind(epoch).execute(&file.writer).await;
        described.map_err(|error| file.failed(error))?;
        tracing::info!(path = %path.display(), "the index for searching is made anew");
        Ok(file)
    }

    /// The file as it is there, if it can be used.
    async fn try_open(path: &Path, epoch: &str) -> Option<Self> {
        if !path.exists() {
            return None;
        }
        let file = Self::connect(path, epoch).await.ok()?;
        let about: Option<(String, String)> =
            sqlx::query_as(ABOUT).fetch_optional(&file.readers).await.unwrap_or_default();
        if about.is_some_and(|about| about == (version(), epoch.to_owned())) {
            return Some(file);
        }
        file.close().await;
        None
    }

    async fn connect(path: &Path, epoch: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str("sqlite:")?
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // If a crash of the machine takes rows away, the cursors go with them, and the rows are made again.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .pragma("cache_size", "-16384")
            .pragma("temp_store", "memory");
        let pool = |connections| {
            let pool = PoolOptions::<Sqlite>::new().max_connections(connections).min_connections(0);
            pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(of_index)?;
        let readers = pool(2).connect_with(options.pragma("query_only", "on")).await.map_err(of_index)?;
        Ok(Self {
            path: path.to_owned(),
            epoch: epoch.to_owned(),
            readers,
            writer,
            is_damaged: AtomicBool::new(false),
            was_looked_through: AtomicBool::new(false),
        })
    }

    /// Whether it is still there, whole, and of this history.
    pub(crate) fn is_good(&self, epoch: &str) -> bool {
        self.epoch == epoch && !self.is_damaged.load(Ordering::Relaxed) && self.path.exists()
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Whether all conversations must be looked at: it was opened since this was last asked, or emptied.
    pub(crate) async fn is_new_to_follower(&self) -> Result<bool> {
        let is_new = !self.was_looked_through.swap(true, Ordering::Relaxed);
        let count = sqlx::query_as(COUNT_CURSORS).fetch_one(&self.readers).await;
        let (cursors,): (i64,) = count.map_err(|error| self.failed(error))?;
        Ok(is_new || cursors == 0)
    }

    /// The cursors of conversations with ids after the first and up to the second.
    pub(crate) async fn cursors_between(&self, after: i64, to: i64) -> Result<HashMap<i64, i64>> {
        let cursors = sqlx::query_as(CURSORS_BETWEEN).bind(after).bind(to).fetch_all(&self.readers).await;
        let cursors: Vec<(i64, i64)> = cursors.map_err(|error| self.failed(error))?;
        Ok(cursors.into_iter().collect())
    }

    /// Begins to write.
    pub(crate) async fn write(&self) -> Result<Writing<'_>> {
        let conn = self.writer.acquire().await.map_err(|error| self.failed(error))?;
        let mut writing = Writing { file: self, conn, is_committed: false };
        writing.execute("BEGIN IMMEDIATE").await?;
        Ok(writing)
    }

    /// The ids that may be meant, from the first of `ids` and below the second, newest first.
    pub(crate) async fn candidates(&self, needle: &Needle, ids: (i64, i64), limit: i64) -> Result<Vec<i64>> {
        let found = sqlx::query_as(CANDIDATES).bind(query(needle)).bind(ids.0).bind(ids.1).bind(limit);
        let found: Vec<(i64,)> = found.fetch_all(&self.readers).await.map_err(|error| self.failed(error))?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// Empties it.
    pub(crate) async fn clear(&self) -> Result<()> {
        let mut writing = self.write().await?;
        for text in ["DELETE FROM cursors", "INSERT INTO texts(texts) VALUES ('delete-all')"] {
            writing.execute(text).await?;
        }
        writing.commit().await
    }

    /// An error of this file. One that says that it is damaged has it made anew when it is next asked for: of the
    /// database it says nothing.
    fn failed(&self, error: sqlx::Error) -> Error {
        if is_damage(&error) {
            tracing::warn!(%error, path = %self.path.display(), "the index for searching is damaged; it is made anew");
            self.is_damaged.store(true, Ordering::Relaxed);
        }
        of_index(error)
    }
}

impl Writing<'_> {
    /// How far the index has come in these conversations.
    pub(crate) async fn cursors(&mut self, of: &[chat::ConversationId]) -> Result<HashMap<i64, i64>> {
        let ids = json_ids(of.iter().map(|id| id.0))?;
        let cursors = sqlx::query_as(CURSORS).bind(ids).fetch_all(&mut *self.conn).await;
        let cursors: Vec<(i64, i64)> = cursors.map_err(|error| self.file.failed(error))?;
        Ok(cursors.into_iter().collect())
    }

    /// Puts texts into the index, or takes them out.
    pub(crate) async fn put(&mut self, encoded: Encoded) -> Result<()> {
        if let Some(gone) = encoded.gone {
            let done = sqlx::query(TAKE_OUT).bind(gone).execute(&mut *self.conn).await;
            done.map_err(|error| self.file.failed(error))?;
        }
        let mut rest = encoded.texts.into_iter();
        while rest.len() > 0 {
            let count = 1 << rest.len().min(AT_ONCE).ilog2();
            let text = format!("{PUT}{}", vec!["(?, ?)"; count].join(", "));
            // Made of constants only.
            let mut query = sqlx::query(AssertSqlSafe(text));
            for (id, terms) in rest.by_ref().take(count) {
                query = query.bind(id).bind(terms);
            }
            query.execute(&mut *self.conn).await.map_err(|error| self.file.failed(error))?;
        }
        Ok(())
    }

    /// Notes how far it has come.
    pub(crate) async fn advance(&mut self, windows: &[Window]) -> Result<()> {
        #[derive(Serialize)]
        struct Cursor {
            c: i64,
            r: i64,
        }
        let cursors = windows.iter().map(|window| Cursor { c: window.conversation.0, r: window.to });
        let argument = json(&cursors.collect::<Vec<_>>())?;
        let done = sqlx::query(ADVANCE).bind(argument).execute(&mut *self.conn).await;
        done.map(|_| ()).map_err(|error| self.file.failed(error))
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        self.execute("COMMIT").await?;
        self.is_committed = true;
        Ok(())
    }

    async fn execute(&mut self, text: &'static str) -> Result<()> {
        let done = sqlx::query(text).execute(&mut *self.conn).await;
        done.map(|_| ()).map_err(|error| self.file.failed(error))
    }
}

/// The rows that a pass writes of these messages.
pub(crate) fn encode(changed: &[Changed]) -> Result<Encoded> {
    let gone: Vec<i64> = changed.iter().filter(|message| message.text.is_none()).map(|message| message.id.0).collect();
    let row = |message: &Changed| {
        let text = message.text.as_deref()?;
        let mut line = String::with_capacity(text.len() + 32);
        for word in
            terms::terms(&searched(text, &message.files)).into_iter().map(|term| term.text).chain(marks(message, text))
        {
            line.push_str(&word);
            line.push(' ');
        }
        Some((message.id.0, line))
    };
    let gone = if gone.is_empty() { None } else { Some(json_ids(gone)?) };
    let mut texts: Vec<(i64, String)> = changed.iter().filter_map(row).collect();
    // FTS5 gathers terms in memory as long as ids ascend. With each one that does not it writes what it has as a segment,
    // which is merged with others later: rows of many conversations would be as many segments.
    texts.sort_unstable_by_key(|(id, _)| *id);
    Ok(Encoded { gone, texts })
}

/// The query for FTS5. Every term stands in quotes, so nothing of it is an operator; no term has a quote in it.
fn query(needle: &Needle) -> String {
    let phrase = |phrase: &Phrase| {
        let star = if phrase.prefix { " *" } else { "" };
        format!("\"{}\"{star}", phrase.terms.join(" ").replace('"', ""))
    };
    let words = needle.words.iter().map(phrase);
    let marks = needle.marks().into_iter().map(|of_one| {
        let of_one: Vec<String> = of_one.into_iter().map(|mark| format!("\"{mark}\"")).collect();
        format!("({})", of_one.join(" OR "))
    });
    let all = words.chain(marks).collect::<Vec<_>>().join(" AND ");
    let not = |query: String, unwanted: &Phrase| format!("({query}) NOT {}", phrase(unwanted));
    needle.not.iter().fold(all, not)
}

/// Removes the file and what SQLite keeps beside it.
fn remove(path: &Path) -> Result<()> {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Unavailable(format!("the index for searching cannot be made anew: {error}")));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Makes an empty file for its owner only; SQLite gives its side files the same rights.
fn own(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(path);
    made.map(|_| ()).map_err(|error| Error::Unavailable(format!("the index for searching cannot be made: {error}")))
}

/// CORRUPT and NOTADB.
fn is_damage(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(database) = error else { return false };
    let code: u32 = database.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    database.try_downcast_ref::<SqliteError>().is_some() && matches!(code & 0xff, 11 | 26)
}

fn of_index(error: sqlx::Error) -> Error {
    if is_damage(&error) {
        return Error::Unavailable(format!("the index for searching is damaged: {error}"));
    }
    Error::from(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::{ConversationId, MessageId, UserId, search::Has};

    #[test]
    fn what_is_asked_has_every_term_in_quotes() {
        let phrase = |text: &str, prefix| Phrase::of(text, prefix).unwrap();
        let needle = Needle {
            words: vec![phrase("a NEAR(b)", false), phrase("wor", true)],
            not: vec![phrase("x", false), phrase("y z", false)],
            authors: vec![UserId(1)],
            conversations: vec![ConversationId(2), ConversationId(3)],
            has: vec![Has::Link],
        };
        let mark = super::super::MARK;
        assert_eq!(
            query(&needle),
            format!(
                "((\"a near b\" AND \"wor\" * AND (\"{mark}u1\") AND (\"{mark}c2\" OR \"{mark}c3\") AND (\"{mark}l\")) \
                 NOT \"x\") NOT \"y z\""
            )
        );
    }

    #[test]
    fn texts_are_put_into_the_index_in_the_order_of_their_ids() {
        let changed = |(id, text): (i64, Option<&str>)| Changed {
            id: MessageId(id),
            conversation: ConversationId(id % 3),
            author: UserId(1),
            text: text.map(str::to_owned),
            files: Vec::new(),
        };
        let rows = [(3, Some("c")), (9, Some("i")), (1, Some("a")), (7, None), (4, Some("d"))].map(changed);
        let Encoded { gone, texts } = encode(&rows).expect("encoded");
        assert_eq!(texts.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 3, 4, 9]);
        assert_eq!(gone.as_deref(), Some(r#"[{"v":7}]"#));
        assert_eq!(encode(&rows[..1]).expect("encoded").gone, None);
    }

    #[tokio::test]
    async fn after_a_full_disk_the_index_goes_on() {
        let path = std::env::temp_dir().join(format!("palabre-full-{}.search.db", std::process::id()));
        let file = File::open(&path, "epoch").await.expect("an index");
        let long = |id: i64| Changed {
            id: MessageId(id),
            conversation: ConversationId(1),
            author: UserId(1),
            text: Some((0..500).map(|n| format!("word{id}x{n} ")).collect()),
            files: Vec::new(),
        };
        let rows: Vec<Changed> = (1..100).map(long).collect();
        let pass = async || {
            let mut writing = file.write().await?;
            writing.put(encode(&rows)?).await?;
            writing.commit().await
        };
        // No page more than it has, on this connection.
        sqlx::raw_sql("PRAGMA max_page_count = 1").execute(&file.writer).await.expect("a bound");
        assert!(matches!(pass().await, Err(Error::StorageFull(_))));
        pass().await.expect("there is room again");
        drop(file);
        remove(&path).expect("the index");
    }
}
