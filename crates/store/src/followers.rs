//! Followers: what reads conversations by number, as a client does, and keeps something that follows from them. It sees
//! the rows with a greater number than its cursor in their present state, so what was erased cannot come back out of it.
//!
//! Conversations fall into [`SHARDS`] shards. Where several nodes share a database, a node follows those shards whose
//! lease it holds, by the database's clock ([`leases`]); SQLite has one node, which follows all. Whoever commits notes
//! it in [`Wakes`], so that the follower need not look for it.

pub mod leases;

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chat::{ConversationId, Event, Fact, MessageId, Number, Outgoing, UserId, files::File};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use tokio::sync::Notify;

use crate::{
    Committed, Conn, Result,
    appends::json,
    files,
    unreadable::{Rest, Salvage},
};

/// Into how many parts conversations fall.
pub const SHARDS: i64 = 64;
/// Conversations that are remembered as changed; beyond it, all are looked at.
const REMEMBERED: usize = 100_000;

statements! {
    CREATED = "SELECT m.id, m.conversation_id, m.author_id, m.text, m.files FROM json_each($1) AS j
               JOIN messages m ON m.conversation_id = CAST(j.value ->> 'c' AS BIGINT)
                AND m.seq > CAST(j.value ->> 'n' AS BIGINT) AND m.seq <= CAST(j.value ->> 't' AS BIGINT)";
    /// Of a change without `text_rev` is not known whether it was of the text; a reaction to what was never changed
    /// otherwise was not.
    CHANGED = "SELECT m.id, m.conversation_id, m.author_id, m.text, m.files FROM json_each($1) AS j
               JOIN messages m ON m.conversation_id = CAST(j.value ->> 'c' AS BIGINT)
                AND m.rev > CAST(j.value ->> 'n' AS BIGINT) AND m.rev <= CAST(j.value ->> 't' AS BIGINT)
                AND m.rev > m.seq
               WHERE m.seq <= CAST(j.value ->> 'n' AS BIGINT)
                AND COALESCE(m.text_rev, CASE WHEN m.edited_at IS NULL AND m.deleted_at IS NULL THEN 0 ELSE m.rev END)
                  > CAST(j.value ->> 'n' AS BIGINT)";
    ALL_HEADS = "SELECT id, head FROM conversations WHERE id > $1 ORDER BY id LIMIT CAST($2 AS BIGINT)";
}
const COLUMNS: &str = "id, conversation_id, author_id, text, files";

/// A follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Follower {
    /// The index for searching.
    Search,
}

impl Follower {
    /// All followers.
    pub const ALL: &'static [Self] = &[Self::Search];

    /// Its name in the database, in the log and in statistics. It never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
        }
    }
}

/// A set of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shards(pub u64);

impl Shards {
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether a conversation is in one of them.
    #[must_use]
    pub fn have(self, conversation: ConversationId) -> bool {
        self.0 & (1 << conversation.0.rem_euclid(SHARDS)) != 0
    }

    /// Those that are not in `others`.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn are_none(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn add(&mut self, shard: i64) {
        self.0 |= 1 << shard.rem_euclid(SHARDS);
    }

    pub(crate) fn numbers(self) -> impl Iterator<Item = i64> {
        (0..SHARDS).filter(move |shard| self.0 & (1 << shard) != 0)
    }
}

/// How far conversations have come that this node has changed since this was last asked.
#[derive(Debug, Default)]
pub struct Wakes {
    /// Whether anybody asks.
    wanted: AtomicBool,
    changed: Mutex<HashMap<ConversationId, Number>>,
    /// More have changed than are remembered.
    overflown: AtomicBool,
    notify: Notify,
}

impl Wakes {
    /// Notes what was committed.
    pub(crate) fn note(&self, committed: &Committed) {
        if self.wanted.load(Ordering::Relaxed) && !committed.is_empty() {
            self.note_heads(committed.iter().filter_map(|told| match told {
                Outgoing::Event(event) => Some((event.conversation, event.number)),
                _ => None,
            }));
        }
    }

    /// Notes the messages that were committed and the edits of those that call somebody, whom perhaps the edit has added;
    /// nothing else.
    pub(crate) fn note_messages(&self, committed: &Committed) {
        if self.wanted.load(Ordering::Relaxed) {
            let mut heads = committed.iter().filter_map(|told| {
                let Outgoing::Event(Event { conversation, number, fact, .. }) = told else { return None };
                let calls = matches!(fact, Fact::MessageEdited(message) if !message.mentions.is_empty());
                (calls || matches!(fact, Fact::MessageCreated(_))).then_some((*conversation, *number))
            });
            if let Some(first) = heads.next() {
                self.note_heads(std::iter::once(first).chain(heads));
            }
        }
    }

    fn note_heads(&self, heads: impl Iterator<Item = (ConversationId, Number)>) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        for (conversation, number) in heads {
            if changed.len() >= REMEMBERED && !changed.contains_key(&conversation) {
                self.overflown.store(true, Ordering::Relaxed);
                continue;
            }
            let head = changed.entry(conversation).or_default();
            *head = (*head).max(number);
        }
        drop(changed);
        self.notify.notify_one();
    }

    /// Takes what was noted; nothing if it was too much, and all conversations must be looked at.
    pub fn take(&self) -> Option<HashMap<ConversationId, Number>> {
        self.wanted.store(true, Ordering::Relaxed);
        let changed = std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        (!self.overflown.swap(false, Ordering::Relaxed)).then_some(changed)
    }

    /// Waits until something is noted.
    pub async fn changed(&self) {
        self.notify.notified().await;
    }
}

/// The numbers of a conversation that are read in a pass: after the first and up to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub conversation: ConversationId,
    pub after: i64,
    pub to: i64,
}

/// A message whose text is new or has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its id.
    pub id: MessageId,
    /// Where it is.
    pub conversation: ConversationId,
    /// Its author.
    pub author: UserId,
    /// Its text as it is now; nothing if it was deleted.
    pub text: Option<String>,
    /// The files that it carries.
    pub files: Vec<File>,
}

#[derive(FromRow, Deserialize)]
struct Row {
    id: i64,
    conversation_id: i64,
    author_id: i64,
    text: Option<String>,
    files: i64,
}

impl Salvage for Row {
    fn salvage(rest: &Rest) -> Option<Self> {
        let (id, conversation_id) = (rest.number("id")?, rest.number("conversation_id")?);
        Some(Self {
            id,
            conversation_id,
            author_id: rest.number("author_id").unwrap_or_default(),
            text: rest.text("text"),
            // Whether there are any is looked up.
            files: 1,
        })
    }
}

/// The messages in these windows whose texts are new or have changed, in no order.
pub(crate) async fn changed(conn: &mut Conn, windows: &[Window]) -> Result<Vec<Changed>> {
    #[derive(Serialize)]
    struct Argument {
        c: i64,
        n: i64,
        t: i64,
    }
    let argument = |window: &Window| Argument { c: window.conversation.0, n: window.after, t: window.to };
    let argument = json(&windows.iter().map(argument).collect::<Vec<_>>())?;
    let mut rows: Vec<Row> = sql_many!(conn, Row, COLUMNS, CREATED, argument.as_str())?;
    rows.extend(sql_many!(conn, Row, COLUMNS, CHANGED, argument.as_str())?);
    let with_files = rows.iter().filter(|row| row.files > 0).map(|row| MessageId(row.id)).collect::<Vec<_>>();
    let mut files = if with_files.is_empty() { HashMap::new() } else { files::of(conn, &with_files).await? };
    let mut changed = |row: Row| Changed {
        id: MessageId(row.id),
        conversation: ConversationId(row.conversation_id),
        author: UserId(row.author_id),
        text: row.text,
        files: files.remove(&MessageId(row.id)).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(&mut changed).collect())
}

/// The heads of conversations after this one, at most so many, by their ids.
pub(crate) async fn heads_after(conn: &mut Conn, after: ConversationId, limit: i64) -> Result<Vec<(i64, i64)>> {
    sql!(conn, fetch_all as (i64, i64), ALL_HEADS, after.0, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_in_one_shard() {
        let mut some = Shards::default();
        some.add(3);
        assert!(some.have(ConversationId(3)) && some.have(ConversationId(67)) && !some.have(ConversationId(4)));
        assert!(Shards::ALL.have(ConversationId(4)) && Shards::ALL.without(some).without(Shards::ALL).are_none());
        assert_eq!(some.numbers().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn what_was_committed_is_noted_up_to_its_last_number() {
        let wakes = Wakes::default();
        let (one, two) = (ConversationId(1), ConversationId(2));
        wakes.note_heads([(one, Number(3)), (one, Number(2)), (two, Number(1))].into_iter());
        assert_eq!(wakes.take(), Some(HashMap::from([(one, Number(3)), (two, Number(1))])));
        assert_eq!(wakes.take(), Some(HashMap::new()));
        let many = i64::try_from(REMEMBERED).unwrap() + 1;
        wakes.note_heads((0..many).map(|id| (ConversationId(id), Number(1))));
        assert_eq!(wakes.take(), None, "too many to be remembered: all must be looked at");
        assert_eq!(wakes.take(), Some(HashMap::new()));
    }
}
