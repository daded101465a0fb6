//! Threads: their summaries, and who follows them. Rows and statements.

use std::collections::HashMap;

use chat::{
    ConversationId, Millis, Number, UserId,
    notifications::NotificationLevel,
    threads::{Following, PARTICIPANTS, Summary, ThreadKey, ThreadPosition},
};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::{
    Conn, Error, Result,
    appends::json,
    notifications::read_level,
    unreadable::{Rest, Salvage},
};

const TABLE: &str = "threads";

statements! {
    /// The summaries of threads, with what decides whether somebody may reply there: the root, and whether it is a
    /// reply itself; the ability to reply as it was given or withdrawn; and whether they and the root's author have
    /// anything to do with the thread already.
    LOOK = "SELECT CAST(j.key AS BIGINT) AS i, r.author_id, r.deleted_at, r.thread, t.replies, t.last_seq, t.last_at,
                   t.participants, t.rev, g.given, g.ends_at, f.follows AS own_follows, a.follows AS authors_follows
            FROM json_each($1) AS j
            LEFT JOIN messages r ON r.conversation_id = CAST(j.value ->> 'c' AS BIGINT)
             AND r.seq = CAST(j.value ->> 's' AS BIGINT)
            LEFT JOIN threads t ON t.conversation_id = r.conversation_id AND t.seq = r.seq
            LEFT JOIN grants g ON g.conversation_id = r.conversation_id AND g.user_id = CAST(j.value ->> 'u' AS BIGINT)
             AND g.ability = 'reply_in_threads'
            LEFT JOIN followed_threads f ON f.user_id = CAST(j.value ->> 'u' AS BIGINT)
             AND f.conversation_id = r.conversation_id AND f.seq = r.seq
            LEFT JOIN followed_threads a ON a.user_id = r.author_id
             AND a.conversation_id = r.conversation_id AND a.seq = r.seq";
    /// Of these threads those whose summary is not that of their replies.
    WRONG = "SELECT k.c, k.s FROM (
                 SELECT CAST(j.value ->> 'c' AS BIGINT) AS c, CAST(j.value ->> 's' AS BIGINT) AS s
                 FROM json_each($1) AS j) AS k
             LEFT JOIN threads t ON t.conversation_id = k.c AND t.seq = k.s
             WHERE COALESCE(t.replies, 0) <> (SELECT COUNT(*) FROM messages n
                     WHERE n.conversation_id = k.c AND n.thread = k.s AND n.thread IS NOT NULL AND n.deleted_at IS NULL)
                OR COALESCE(t.last_seq, 0) <> (SELECT COALESCE(MAX(n.seq), 0) FROM messages n
                     WHERE n.conversation_id = k.c AND n.thread = k.s AND n.thread IS NOT NULL AND n.deleted_at IS NULL)";
    PUT = "INSERT INTO threads (conversation_id, seq, replies, last_seq, last_at, participants, rev)
           SELECT CAST(j.value ->> 'c' AS BIGINT), CAST(j.value ->> 's' AS BIGINT), CAST(j.value ->> 'n' AS BIGINT),
                  CAST(j.value ->> 'l' AS BIGINT), CAST(j.value ->> 'a' AS BIGINT), j.value ->> 'p',
                  CAST(j.value ->> 'r' AS BIGINT)
           FROM json_each($1) AS j WHERE true
           ON CONFLICT (conversation_id, seq) DO UPDATE SET replies = excluded.replies, last_seq = excluded.last_seq,
                last_at = excluded.last_at, participants = excluded.participants, rev = excluded.rev";
    ONE = "SELECT seq, replies, last_seq, last_at, participants, rev FROM threads WHERE conversation_id = $1 AND seq = $2";
    /// By their numbers: with the sign the bound below is no way into the index.
    CHANGED = "SELECT seq, replies, last_seq, last_at, participants, rev FROM threads
               WHERE conversation_id = $1 AND rev > $2 AND rev <= $3 AND +seq >= $4 ORDER BY seq";
    COUNT = "SELECT COUNT(*) FROM messages
             WHERE conversation_id = $1 AND thread = $2 AND thread IS NOT NULL AND deleted_at IS NULL";
    /// The newest replies, of which the summary is made where one is gone.
    NEWEST = "SELECT seq, author_id, created_at FROM messages
              WHERE conversation_id = $1 AND thread = $2 AND thread IS NOT NULL AND deleted_at IS NULL
              ORDER BY seq DESC LIMIT 200";
    FOLLOWING = "SELECT conversation_id, seq, follows, read_seq, notify, rev FROM followed_threads
                 WHERE user_id = $1 AND conversation_id = $2 AND seq = $3";
    ALL_FOLLOWING = "SELECT conversation_id, seq, follows, read_seq, notify, rev FROM followed_threads WHERE user_id = $1";
    FOLLOW = "INSERT INTO followed_threads (user_id, conversation_id, seq, follows, read_seq, rev, notify)
              VALUES ($1, $2, $3, $4, $5, $6, $7)
              ON CONFLICT (user_id, conversation_id, seq) DO UPDATE SET
                follows = excluded.follows, read_seq = excluded.read_seq, rev = excluded.rev,
                notify = excluded.notify";
    HOW_MANY = "SELECT COUNT(*) FROM followed_threads WHERE user_id = $1 AND follows = 1";
    FORGET = "DELETE FROM followed_threads WHERE user_id = $1 AND conversation_id = $2";
    FOLLOWED = "SELECT x.conversation_id, x.seq, x.read_seq, x.notify, x.rev, x.last_at, x.counted_to, (
                 SELECT COUNT(*) FROM (SELECT 1 FROM messages n
                     WHERE n.conversation_id = x.conversation_id AND n.thread = x.seq AND n.thread IS NOT NULL
                       AND n.seq > x.read_seq AND n.author_id <> $1 AND n.deleted_at IS NULL
                     LIMIT 100) AS counted) AS unread
         FROM (SELECT f.conversation_id, f.seq, f.read_seq, f.notify, f.rev, COALESCE(t.last_at, 0) AS last_at,
                      COALESCE(t.rev, f.seq) AS counted_to
               FROM followed_threads f
               JOIN members b ON b.conversation_id = f.conversation_id AND b.user_id = f.user_id
                AND b.role IS NOT NULL AND b.visible_from <= f.seq
               LEFT JOIN threads t ON t.conversation_id = f.conversation_id AND t.seq = f.seq
               WHERE f.user_id = $1 AND f.follows = 1
                 AND (COALESCE(t.last_at, 0) < $2 OR (COALESCE(t.last_at, 0) = $2
                      AND (f.conversation_id < $3 OR (f.conversation_id = $3 AND f.seq < $4))))
                 AND (CAST($6 AS BIGINT) = 0 OR (t.last_seq > f.read_seq AND EXISTS (SELECT 1 FROM messages n
                     WHERE n.conversation_id = f.conversation_id AND n.thread = f.seq AND n.thread IS NOT NULL
                       AND n.seq > f.read_seq AND n.author_id <> $1 AND n.deleted_at IS NULL)))
               ORDER BY COALESCE(t.last_at, 0) DESC, f.conversation_id DESC, f.seq DESC LIMIT CAST($5 AS BIGINT)) AS x
         ORDER BY x.last_at DESC, x.conversation_id DESC, x.seq DESC";
}

/// The fields of [`Looked`], in their order.
const LOOKED: &str = "i, author_id, deleted_at, thread, replies, last_seq, last_at, participants, rev, given, ends_at, \
                      own_follows, authors_follows";

/// The facts about a thread that a reply needs.
#[derive(FromRow, Deserialize)]
pub(crate) struct Looked {
    i: i64,
    author_id: Option<i64>,
    deleted_at: Option<i64>,
    thread: Option<i64>,
    replies: Option<i64>,
    last_seq: Option<i64>,
    last_at: Option<i64>,
    participants: Option<String>,
    rev: Option<i64>,
    pub given: Option<i64>,
    pub ends_at: Option<i64>,
    own_follows: Option<i64>,
    authors_follows: Option<i64>,
}

impl Salvage for Looked {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            i: rest.number("i")?,
            author_id: rest.number("author_id"),
            deleted_at: rest.number("deleted_at"),
            thread: rest.number("thread"),
            replies: rest.number("replies"),
            last_seq: rest.number("last_seq"),
            last_at: rest.number("last_at"),
            participants: rest.text("participants"),
            rev: rest.number("rev"),
            given: rest.number("given"),
            ends_at: rest.number("ends_at"),
            own_follows: rest.number("own_follows"),
            authors_follows: rest.number("authors_follows"),
        })
    }
}

impl Looked {
    /// Whether there can be replies: the root is there and no reply itself; and one that was deleted had replies before.
    pub(crate) fn is_open(&self) -> bool {
        self.author_id.is_some() && self.thread.is_none() && (self.deleted_at.is_none() || self.replies.is_some())
    }

    /// The thread as it stands.
    pub(crate) fn summary(&self, root: Number) -> Summary {
        let stored = Stored::of(self.replies, self.last_seq, self.last_at, self.participants.clone(), self.rev);
        stored.map_or_else(|| Summary::new(root), |stored| stored.read(root))
    }

    /// Puts a summary that was made anew in the place of the one that was read.
    pub(crate) fn mend(&mut self, summary: &Summary) -> Result<()> {
        (self.replies, self.rev) = (Some(summary.replies), Some(summary.rev.0));
        (self.last_seq, self.last_at) = (summary.last_seq.map(|seq| seq.0), summary.last_at.map(|at| at.0));
        self.participants = Some(participants(summary)?);
        Ok(())
    }

    /// Whether this author, or the root's, is to follow the thread by taking part.
    pub(crate) fn is_new_to(&self, author: UserId) -> bool {
        self.own_follows.is_none() || (self.authors_follows.is_none() && self.author_id != Some(author.0))
    }
}

/// A thread that is replied to, and who replies.
#[derive(Serialize)]
pub(crate) struct Reply {
    pub c: i64,
    pub s: i64,
    pub u: i64,
}

/// The facts about the threads of these replies, in their order.
pub(crate) async fn look(conn: &mut Conn, replies: &[Reply]) -> Result<Vec<Looked>> {
    let asked = json(replies)?;
    let mut rows = sql_many!(conn, Looked, LOOKED, LOOK, asked.as_str())?;
    if rows.len() != replies.len() {
        return Err(Error::Other("not every thread of a batch could be looked at".into()));
    }
    rows.sort_unstable_by_key(|row| row.i);
    Ok(rows)
}

/// Of these threads, by conversation and root, those whose summary is not that of their replies: a damaged byte, or
/// somebody's hand.
pub(crate) async fn wrong(conn: &mut Conn, threads: &[(i64, i64)]) -> Result<Vec<(i64, i64)>> {
    let asked: Vec<Reply> = threads.iter().map(|(c, s)| Reply { c: *c, s: *s, u: 0 }).collect();
    sql!(conn, fetch_all as (i64, i64), WRONG, json(&asked)?)
}

/// The contents of a row besides its place.
pub(crate) struct Stored {
    replies: i64,
    last_seq: Option<i64>,
    last_at: Option<i64>,
    participants: String,
    rev: i64,
}

impl Stored {
    /// Nothing where a row was joined and there is none.
    pub(crate) fn of(
        replies: Option<i64>,
        last_seq: Option<i64>,
        last_at: Option<i64>,
        participants: Option<String>,
        rev: Option<i64>,
    ) -> Option<Self> {
        let participants = participants.unwrap_or_default();
        Some(Self { replies: replies?, last_seq, last_at, participants, rev: rev? })
    }

    /// The summary; people who cannot be read are left out.
    pub(crate) fn read(self, root: Number) -> Summary {
        let participants: Vec<i64> = serde_json::from_str(&self.participants).unwrap_or_else(|_| {
            crate::unreadable::note(TABLE, format!("seq {root}"), "participants");
            Vec::new()
        });
        Summary {
            root,
            replies: self.replies,
            last_seq: self.last_seq.map(Number),
            last_at: self.last_at.map(Millis),
            participants: participants.into_iter().map(UserId).collect(),
            rev: Number(self.rev),
        }
    }
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    replies: i64,
    last_seq: Option<i64>,
    last_at: Option<i64>,
    participants: String,
    rev: i64,
}

impl From<Row> for Summary {
    fn from(row: Row) -> Self {
        let Row { seq, replies, last_seq, last_at, participants, rev } = row;
        Stored { replies, last_seq, last_at, participants, rev }.read(Number(seq))
    }
}

/// Who wrote the newest replies, as it is stored.
fn participants(summary: &Summary) -> Result<String> {
    json(&summary.participants.iter().map(|user| user.0).collect::<Vec<_>>())
}

/// Stores summaries in the place of those before.
pub(crate) async fn put(
    conn: &mut Conn,
    summaries: impl IntoIterator<Item = (ConversationId, &Summary)>,
) -> Result<()> {
    #[derive(Serialize)]
    struct Put {
        c: i64,
        s: i64,
        n: i64,
        l: Option<i64>,
        a: Option<i64>,
        p: String,
        r: i64,
    }
    let mut rows = Vec::new();
    for (conversation, summary) in summaries {
        rows.push(Put {
            c: conversation.0,
            s: summary.root.0,
            n: summary.replies,
            l: summary.last_seq.map(|seq| seq.0),
            a: summary.last_at.map(|at| at.0),
            p: participants(summary)?,
            r: summary.rev.0,
        });
    }
    if !rows.is_empty() {
        sql!(conn, execute, PUT, json(&rows)?)?;
    }
    Ok(())
}

/// The thread about a message; nothing if nobody has replied yet.
///
/// # Errors
/// Those of the database.
pub async fn one(conn: &mut Conn, key: ThreadKey) -> Result<Option<Summary>> {
    Ok(sql!(conn, fetch_optional as Row, ONE, key.conversation.0, key.root.0)?.map(Summary::from))
}

/// The threads of a conversation about messages from `from` on that changed after `since` and up to `to`.
///
/// # Errors
/// Those of the database.
pub async fn changed(
    conn: &mut Conn,
    conversation: ConversationId,
    since: Number,
    to: Number,
    from: Number,
) -> Result<Vec<Summary>> {
    let rows = sql!(conn, fetch_all as Row, CHANGED, conversation.0, since.0, to.0, from.0)?;
    Ok(rows.into_iter().map(Summary::from).collect())
}

/// Makes a thread's summary anew after one of its replies was deleted, under the number of that deletion.
///
/// # Errors
/// Those of the database.
pub async fn lose_reply(conn: &mut Conn, key: ThreadKey, number: Number) -> Result<Summary> {
    let summary = anew(conn, key, number).await?;
    put(conn, [(key.conversation, &summary)]).await?;
    Ok(summary)
}

/// A thread's summary as its replies tell it, of this number.
pub(crate) async fn anew(conn: &mut Conn, key: ThreadKey, number: Number) -> Result<Summary> {
    let (conversation, root) = (key.conversation.0, key.root.0);
    let (replies,) = sql!(conn, fetch_one as (i64,), COUNT, conversation, root)?;
    let newest = sql!(conn, fetch_all as (i64, i64, i64), NEWEST, conversation, root)?;
    let mut summary = Summary { replies, rev: number, ..Summary::new(key.root) };
    if let Some((seq, _, at)) = newest.first() {
        (summary.last_seq, summary.last_at) = (Some(Number(*seq)), Some(Millis(*at)));
    }
    for (_, author, _) in newest {
        if summary.participants.len() < PARTICIPANTS && !summary.participants.contains(&UserId(author)) {
            summary.participants.push(UserId(author));
        }
    }
    Ok(summary)
}

#[derive(FromRow)]
struct FollowingRow {
    conversation_id: i64,
    seq: i64,
    follows: i64,
    read_seq: i64,
    notify: Option<String>,
    rev: i64,
}

/// The level of this name.
pub(crate) fn level(name: Option<&str>, user: i64) -> Option<NotificationLevel> {
    name.map(|name| read_level("followed_threads", name, user))
}

impl From<FollowingRow> for Following {
    fn from(row: FollowingRow) -> Self {
        Self {
            key: ThreadKey { conversation: ConversationId(row.conversation_id), root: Number(row.seq) },
            follows: row.follows != 0,
            read_seq: Number(row.read_seq),
            level: level(row.notify.as_deref(), row.conversation_id),
            rev: Number(row.rev),
        }
    }
}

/// Whether somebody follows a thread; nothing if they have had nothing to do with it.
///
/// # Errors
/// Those of the database.
pub async fn following(conn: &mut Conn, user: UserId, key: ThreadKey) -> Result<Option<Following>> {
    let row = sql!(conn, fetch_optional as FollowingRow, FOLLOWING, user.0, key.conversation.0, key.root.0)?;
    Ok(row.map(Following::from))
}

/// All threads that somebody has had to do with.
///
/// # Errors
/// Those of the database.
pub async fn all_following(conn: &mut Conn, user: UserId) -> Result<HashMap<ThreadKey, Following>> {
    let rows = sql!(conn, fetch_all as FollowingRow, ALL_FOLLOWING, user.0)?;
    Ok(rows.into_iter().map(Following::from).map(|one| (one.key, one)).collect())
}

/// Stores whether somebody follows a thread, and how far they have read it.
///
/// # Errors
/// Those of the database.
pub async fn follow(conn: &mut Conn, user: UserId, following: &Following) -> Result<()> {
    let Following { key, follows, read_seq, level, rev } = *following;
    let level = level.map(NotificationLevel::name);
    let (conversation, root, follows) = (key.conversation.0, key.root.0, i64::from(follows));
    sql!(conn, execute, FOLLOW, user.0, conversation, root, follows, read_seq.0, rev.0, level)?;
    Ok(())
}

/// How many threads somebody follows.
///
/// # Errors
/// Those of the database.
pub async fn how_many(conn: &mut Conn, user: UserId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), HOW_MANY, user.0)?;
    Ok(count)
}

/// Forgets which threads of a conversation somebody follows who leaves it.
pub(crate) async fn forget(conn: &mut Conn, user: UserId, conversation: ConversationId) -> Result<()> {
    sql!(conn, execute, FORGET, user.0, conversation.0)?;
    Ok(())
}

/// A thread of somebody's list, without its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowedEntry {
    /// How far they have read it.
    pub following: Following,
    /// Replies of others after that, counted up to [`chat::limits::UNREAD_CAP`].
    pub unread: i64,
    /// The number of the thread's last change that the count includes.
    pub counted_to: Number,
    /// When its newest reply was stored, in milliseconds; 0 if there is none.
    pub last_at: i64,
}

#[derive(FromRow)]
struct EntryRow {
    conversation_id: i64,
    seq: i64,
    read_seq: i64,
    notify: Option<String>,
    rev: i64,
    last_at: i64,
    counted_to: i64,
    unread: i64,
}

/// The threads that somebody follows and sees, the one with the newest reply first, after this position.
///
/// # Errors
/// Those of the database.
pub async fn followed(
    conn: &mut Conn,
    user: UserId,
    unread: bool,
    after: Option<ThreadPosition>,
    limit: i64,
) -> Result<Vec<FollowedEntry>> {
    let after = after.map(|after| (after.last_at, after.key.conversation.0, after.key.root.0));
    let (last_at, conversation, root) = after.unwrap_or((i64::MAX, i64::MAX, i64::MAX));
    let unread = i64::from(unread);
    let rows = sql!(conn, fetch_all as EntryRow, FOLLOWED, user.0, last_at, conversation, root, limit, unread)?;
    let entry = |row: EntryRow| FollowedEntry {
        following: Following {
            key: ThreadKey { conversation: ConversationId(row.conversation_id), root: Number(row.seq) },
            follows: true,
            read_seq: Number(row.read_seq),
            level: level(row.notify.as_deref(), user.0),
            rev: Number(row.rev),
        },
        unread: row.unread,
        counted_to: Number(row.counted_to),
        last_at: row.last_at,
    };
    Ok(rows.into_iter().map(entry).collect())
}
