//! The index for searching: which messages may hold what somebody looks for. It is a follower's, so it is late by a
//! moment, and it only proposes: whoever shows a message reads its row and looks again.
//!
//! On SQLite it is a file of its own beside the database ([`file`]), on PostgreSQL a table of it ([`table`]). Both hold
//! the same terms, which [`chat::search::terms`] cuts. A message has further terms, which no text can have, as they begin
//! with [`MARK`]: who said it, where, whether there is a link in it or a file with it.

pub mod examined;
pub mod file;
mod table;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use chat::{
    ConversationId, MessageId, Number, UserId,
    search::{Has, Phrase, terms},
};
use sqlx::postgres::PgPool;
use tokio::sync::Mutex;

use crate::{
    Conn, Db, Error, Result, conversations,
    db::epoch_in,
    followers::{self, Changed, Follower, Shards, Window, leases, leases::Held},
};
use file::File;

/// Messages are in blocks of so many ids, by which a search goes back in time.
pub const BLOCK: i64 = 16_384;
/// Conversations whose heads are read at once.
const PAGE: i64 = 5_000;
/// Begins the terms that are of no text: a letter for private use, which is no letter of any word.
const MARK: char = '\u{E000}';
const FOLLOWER: Follower = Follower::Search;

/// Where the index is.
pub(crate) enum Index {
    /// Beside SQLite's file.
    File(PathBuf, Mutex<Option<Arc<File>>>),
    /// In PostgreSQL, with a connection of its own for writing.
    Table(PgPool),
}

/// A query to the index. All of it must hold; of several authors or conversations one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needle {
    /// Phrases that must stand in the text.
    pub words: Vec<Phrase>,
    /// Phrases that must not stand in it.
    pub not: Vec<Phrase>,
    /// The authors; anybody if empty.
    pub authors: Vec<UserId>,
    /// Where; anywhere if empty.
    pub conversations: Vec<ConversationId>,
    /// The things that it must have; those that the index does not know are not asked for.
    pub has: Vec<Has>,
}

/// The result of a pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// How far the index has come in these conversations, and how far they have come themselves.
    pub reached: Vec<(ConversationId, Number, Number)>,
    /// How many texts were put into the index or taken out of it.
    pub texts: usize,
}

/// How the index stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Conversations of which something is not in it yet.
    pub behind: i64,
    /// Changes in them that it has not seen.
    pub changes: i64,
}

/// The shards that this node follows, when it has looked anew.
///
/// # Errors
/// Those of the database.
pub async fn look(db: &Db) -> Result<Held> {
    match db.index() {
        Index::File(..) => {
            let file = file_of(db).await?;
            let taken = if file.is_new_to_follower().await? { Shards::ALL } else { Shards::default() };
            Ok(Held { shards: Shards::ALL, taken, somebody_died: false })
        }
        Index::Table(pool) => {
            let node = db.node();
            leases::look(&mut connection(pool).await?, FOLLOWER, node).await
        }
    }
}

/// Gives back what this node follows.
///
/// # Errors
/// Those of the database.
pub async fn leave(db: &Db) -> Result<()> {
    match db.index() {
        Index::File(..) => Ok(()),
        Index::Table(pool) => leases::leave(&mut connection(pool).await?, FOLLOWER, db.node()).await,
    }
}

/// The conversations of these shards of which something is not in the index, and how far they have come. All are looked
/// at: for once in a while.
///
/// # Errors
/// Those of the database.
pub async fn behind(db: &Db, shards: Shards) -> Result<Vec<(ConversationId, Number)>> {
    let found = differences(db).await?;
    let of_shards = found.into_iter().map(|(id, head, _)| (ConversationId(id), Number(head)));
    Ok(of_shards.filter(|(id, _)| shards.have(*id)).collect())
}

/// How far the index is behind.
///
/// # Errors
/// Those of the database.
pub async fn status(db: &Db) -> Result<Status> {
    let found = differences(db).await?;
    let changes = found.iter().map(|(_, head, cursor)| (head - cursor).max(0)).sum();
    Ok(Status { behind: i64::try_from(found.len()).unwrap_or(i64::MAX), changes })
}

/// The conversations that have not come as far as their cursors say, with their heads and cursors.
async fn differences(db: &Db) -> Result<Vec<(i64, i64, i64)>> {
    let mut different = Vec::new();
    let mut after = 0;
    loop {
        let mut data = db.read().await?;
        let heads = followers::heads_after(&mut data, ConversationId(after), PAGE).await?;
        let Some((last, _)) = heads.last().copied() else { return Ok(different) };
        let cursors = match db.index() {
            Index::File(..) => file_of(db).await?.cursors_between(after, last).await?,
            Index::Table(_) => table::cursors_between(&mut data, FOLLOWER, after, last).await?,
        };
        drop(data);
        let cursor = |id: i64| cursors.get(&id).copied().unwrap_or(0);
        let found = heads.into_iter().map(|(id, head)| (id, head, cursor(id)));
        different.extend(found.filter(|(_, head, cursor)| head != cursor));
        after = last;
    }
}

/// The numbers of conversations that other nodes have changed and do not follow themselves.
///
/// # Errors
/// Those of the database.
pub async fn told(db: &Db) -> Result<Vec<(ConversationId, Number)>> {
    match db.index() {
        Index::File(..) => Ok(Vec::new()),
        Index::Table(pool) => table::told(&mut connection(pool).await?, FOLLOWER).await,
    }
}

/// Tells other nodes how far conversations have come that this one does not follow.
///
/// # Errors
/// Those of the database.
pub async fn tell(db: &Db, heads: &[(ConversationId, Number)]) -> Result<()> {
    match db.index() {
        Index::File(..) => Ok(()),
        Index::Table(pool) => table::tell(&mut connection(pool).await?, FOLLOWER, heads).await,
    }
}

/// Brings the index further in these conversations: by one pass through so many numbers at most, which may not come to
/// their ends. What is written and
/// how far it has come is committed together. Conversations whose shard this node does not hold are left out.
///
/// # Errors
/// Those of the database; nothing was written then.
pub async fn pass(db: &Db, wanted: &[ConversationId], numbers: i64) -> Result<Pass> {
    match db.index() {
        Index::File(..) => {
            let file = file_of(db).await?;
            let mut writing = file.write().await?;
            let cursors = writing.cursors(wanted).await?;
            let mut data = db.read().await?;
            let (windows, reached) = windows(&conversations::heads(&mut data, wanted).await?, &cursors, numbers);
            let changed = followers::changed(&mut data, &windows).await?;
            drop(data);
            let texts = changed.len();
            writing.put(in_background(move || file::encode(&changed)).await?).await?;
            writing.advance(&windows).await?;
            writing.commit().await?;
            Ok(Pass { reached, texts })
        }
        Index::Table(pool) => {
            let mut conn = connection(pool).await?;
            let done = table_pass(&mut conn, db.node(), wanted, numbers).await;
            settled(conn, done).await
        }
    }
}

/// The outcome of a transaction. If it failed, its connection is in an unknown state, and is not used again.
async fn settled<T>(conn: Conn, done: Result<T>) -> Result<T> {
    if done.is_err() {
        conn.discard().await;
    }
    done
}

/// A pass in PostgreSQL, in a transaction during which nobody else takes the shards.
async fn table_pass(conn: &mut Conn, node: i64, wanted: &[ConversationId], numbers: i64) -> Result<Pass> {
    conn.run("BEGIN").await?;
    let held = leases::hold(conn, FOLLOWER, node).await?;
    let mut wanted: Vec<ConversationId> = wanted.iter().copied().filter(|id| held.have(*id)).collect();
    wanted.sort_unstable();
    let cursors = table::lock_cursors(conn, FOLLOWER, &wanted).await?;
    let (windows, reached) = windows(&conversations::heads(conn, &wanted).await?, &cursors, numbers);
    let changed = followers::changed(conn, &windows).await?;
    let texts = changed.len();
    let rows = in_background(move || table::encode(&changed)).await?;
    table::put(conn, rows).await?;
    table::advance(conn, FOLLOWER, &reached).await?;
    conn.run("COMMIT").await?;
    Ok(Pass { reached, texts })
}

/// Messages that may hold what is looked for, newest first: of those with ids from the first of `ids` and below the
/// second.
///
/// # Errors
/// Those of the database.
pub async fn candidates(db: &Db, needle: &Needle, ids: (i64, i64), limit: i64) -> Result<Vec<MessageId>> {
    let found = match db.index() {
        Index::File(..) => file_of(db).await?.candidates(needle, ids, limit).await?,
        Index::Table(_) => table::candidates(&mut *db.read().await?, needle, ids, limit).await?,
    };
    Ok(found.into_iter().map(MessageId).collect())
}

/// Empties the index; its follower makes it anew.
///
/// # Errors
/// Those of the database.
pub async fn clear(db: &Db) -> Result<()> {
    match db.index() {
        Index::File(..) => file_of(db).await?.clear().await,
        Index::Table(pool) => {
            let mut conn = connection(pool).await?;
            let done = table::clear(&mut conn, FOLLOWER).await;
            settled(conn, done).await
        }
    }
}

/// Makes sure that the index was made with these rules for cutting texts; if not, it is emptied.
///
/// # Errors
/// Those of the database.
pub async fn check_version(db: &Db) -> Result<()> {
    match db.index() {
        // It is looked at when the file is opened.
        Index::File(..) => file_of(db).await.map(|_| ()),
        Index::Table(pool) => {
            let mut conn = connection(pool).await?;
            let done = table::check_version(&mut conn, FOLLOWER).await;
            settled(conn, done).await
        }
    }
}

async fn connection(pool: &PgPool) -> Result<Conn> {
    Ok(Conn::Postgres(pool.acquire().await?))
}

/// The index's file: opened, made anew if it is of another version or another history, or lost, or damaged.
async fn file_of(db: &Db) -> Result<Arc<File>> {
    let Index::File(path, opened) = db.index() else {
        return Err(Error::Other("PostgreSQL's index is no file".into()));
    };
    let mut epoch = db.epochs().borrow().id.clone();
    if epoch.is_empty() {
        epoch = epoch_in(&mut *db.read().await?).await?.unwrap_or_default();
    }
    let mut opened = opened.lock().await;
    if let Some(file) = opened.as_ref().filter(|file| file.is_good(&epoch)) {
        return Ok(file.clone());
    }
    if let Some(old) = opened.take() {
        old.close().await;
    }
    let file = Arc::new(File::open(path, &epoch).await?);
    *opened = Some(file.clone());
    Ok(file)
}

/// Which numbers a pass goes through, and how far it will have come. A cursor beyond its head is of a history that is
/// gone: it begins anew.
fn windows(
    heads: &[(ConversationId, Number)],
    cursors: &HashMap<i64, i64>,
    numbers: i64,
) -> (Vec<Window>, Vec<(ConversationId, Number, Number)>) {
    let (mut windows, mut reached) = (Vec::new(), Vec::new());
    let mut left = numbers.max(1);
    for (conversation, head) in heads {
        let after = cursors.get(&conversation.0).copied().filter(|cursor| *cursor <= head.0).unwrap_or(0);
        let to = head.0.min(after.saturating_add(left));
        if left == 0 {
            break;
        }
        left -= to - after;
        windows.push(Window { conversation: *conversation, after, to });
        reached.push((*conversation, Number(to), *head));
    }
    (windows, reached)
}

/// Does what takes long on a thread where nobody waits.
async fn in_background<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Other(format!("a text cannot be cut: {error}")))?
}

/// The terms of a message that are of no text.
fn marks(changed: &Changed, text: &str) -> Vec<String> {
    let own = [of_conversation(changed.conversation), of_author(changed.author)];
    let has = Has::ALL.into_iter().filter(|has| has.is_in(text, &changed.files)).filter_map(of_thing);
    own.into_iter().chain(has).collect()
}

fn of_conversation(conversation: ConversationId) -> String {
    format!("{MARK}c{}", conversation.0)
}

fn of_author(author: UserId) -> String {
    format!("{MARK}u{}", author.0)
}

/// The term of something that a message may have, if the index knows it.
fn of_thing(has: Has) -> Option<String> {
    let letter = match has {
        Has::Link => 'l',
        Has::File => 'f',
        Has::Image => 'i',
        Has::Reaction => return None,
    };
    Some(format!("{MARK}{letter}"))
}

impl Needle {
    /// The conditions besides the words: of each list one must hold.
    fn marks(&self) -> Vec<Vec<String>> {
        let authors = self.authors.iter().map(|author| of_author(*author)).collect::<Vec<_>>();
        let conversations = self.conversations.iter().map(|id| of_conversation(*id)).collect();
        let has = self.has.iter().filter_map(|has| of_thing(*has)).map(|mark| vec![mark]);
        [authors, conversations].into_iter().filter(|of_one| !of_one.is_empty()).chain(has).collect()
    }
}

/// The version of the rules by which texts are cut and put into the index.
fn version() -> String {
    format!("2:{}", terms::version())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_goes_through_a_portion_and_says_how_far() {
        let heads: Vec<_> = [(1, 10), (2, 100), (3, 5)].map(|(id, head)| (ConversationId(id), Number(head))).into();
        let (windows, reached) = windows(&heads, &HashMap::from([(1, 4)]), 100);
        assert_eq!(
            windows.iter().map(|w| (w.conversation.0, w.after, w.to)).collect::<Vec<_>>(),
            [(1, 4, 10), (2, 0, 94)]
        );
        assert_eq!(reached.last(), Some(&(ConversationId(2), Number(94), Number(100))));
    }

    #[test]
    fn a_cursor_beyond_the_head_begins_anew() {
        let (windows, _) = windows(&[(ConversationId(1), Number(3))], &HashMap::from([(1, 9)]), 100);
        assert_eq!((windows[0].after, windows[0].to), (0, 3));
    }

    #[test]
    fn no_text_has_the_terms_of_marks() {
        let of_things = Has::ALL.into_iter().filter_map(of_thing);
        for mark in [of_conversation(ConversationId(7)), of_author(UserId(7))].into_iter().chain(of_things) {
            assert!(terms::terms(&mark).iter().all(|term| !term.text.contains(MARK)), "{mark}");
        }
    }
}
