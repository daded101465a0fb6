//! Damaged heads: a conversation whose counter is below what its rows hold, by a damaged byte or somebody's hand.
//!
//! It would give a number that is taken: a send would be refused, and all of its batch with it, for ever; an edit would
//! take the number a second time. So the first change of a conversation after a start looks at its head, later ones
//! whether it has come at least to what this node has given; and whoever finds it damaged mends it. The summaries of
//! threads are looked at in the same way, by the first reply after a start ([`crate::appends`]).

use std::collections::{HashMap, HashSet};

use chat::{ConversationId, Outgoing};

use crate::{Committed, Conn, Result, appends::json_ids, unreadable};

/// The greatest number that a head can come to: far beyond what anybody can say, and far below what a client can count.
/// A row beyond it is damaged itself, and counts for nothing.
const GREATEST: i64 = 1 << 52;
/// Conversations of which is remembered that their heads are sound.
const REMEMBERED: usize = 200_000;

/// Where the head of a row of `conversations` is below a number that was given, or is none. 4503599627370496 is
/// [`GREATEST`].
macro_rules! head_is_wrong {
    () => {
        "(conversations.head < 1 OR conversations.head > 4503599627370496
          OR (conversations.rev > conversations.head AND conversations.rev <= 4503599627370496)
          OR EXISTS (SELECT 1 FROM messages n WHERE n.conversation_id = conversations.id
                     AND n.seq > conversations.head AND n.seq <= 4503599627370496)
          OR EXISTS (SELECT 1 FROM messages n WHERE n.conversation_id = conversations.id
                     AND n.rev > conversations.head AND n.rev <= 4503599627370496 AND n.rev > n.seq)
          OR EXISTS (SELECT 1 FROM members n WHERE n.conversation_id = conversations.id
                     AND n.rev > conversations.head AND n.rev <= 4503599627370496))"
    };
}
pub(crate) use head_is_wrong;

statements! {
    WRONG = concat!("SELECT conversations.id, conversations.head FROM json_each($1) AS j \
                     JOIN conversations ON conversations.id = CAST(j.value ->> 'v' AS BIGINT) WHERE ", head_is_wrong!());
    /// The last number that was given, as the rows tell: each change leaves its number in one, until a later change of
    /// it.
    LAST_NUMBER = "SELECT MAX(n) FROM (
                     SELECT rev AS n FROM conversations WHERE id = $1
                     UNION ALL SELECT MAX(seq) FROM messages WHERE conversation_id = $1 AND seq <= $2
                     UNION ALL SELECT MAX(rev) FROM messages WHERE conversation_id = $1 AND rev <= $2 AND rev > seq
                     UNION ALL SELECT MAX(rev) FROM members WHERE conversation_id = $1 AND rev <= $2) AS numbers
                   WHERE n BETWEEN 1 AND $2";
    SET_HEAD = "UPDATE conversations SET head = $2 WHERE id = $1";
}

/// Whether a conversation's head is below what its rows hold, or is none.
///
/// # Errors
/// Those of the database.
pub async fn is_damaged(conn: &mut Conn, conversation: ConversationId) -> Result<bool> {
    let found = sql!(conn, fetch_all as (i64, i64), WRONG, json_ids([conversation.0].into_iter())?)?;
    Ok(!found.is_empty())
}

/// The known heads: which were looked at, and the last number that this node has given. Nothing that was rolled
/// back.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    given: HashMap<ConversationId, i64>,
    /// The threads, by conversation and root, whose summaries were compared with their replies.
    threads: HashSet<(i64, i64)>,
    mended: usize,
}

impl Heads {
    /// Looks at those heads that were not looked at before, and mends them.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn look_at(
        &mut self,
        conn: &mut Conn,
        conversations: impl Iterator<Item = ConversationId>,
    ) -> Result<()> {
        let unknown: HashSet<ConversationId> = conversations.filter(|id| !self.given.contains_key(id)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let ids = json_ids(unknown.iter().map(|id| id.0))?;
        for (id, head) in sql!(conn, fetch_all as (i64, i64), WRONG, ids)? {
            self.mend(conn, ConversationId(id), head).await?;
        }
        for id in unknown {
            self.remember(id, 0);
        }
        Ok(())
    }

    /// Notes the last number that was given; when there are too many, the others are rechecked.
    fn remember(&mut self, conversation: ConversationId, number: i64) {
        if self.given.len() >= REMEMBERED && !self.given.contains_key(&conversation) {
            self.given.clear();
        }
        self.given.insert(conversation, number);
    }

    /// Whether this cannot be the head of a conversation.
    pub(crate) fn is_wrong(&self, conversation: ConversationId, head: i64) -> bool {
        head > GREATEST || self.given.get(&conversation).is_some_and(|given| head < *given)
    }

    /// Mends a damaged head, which was read as `found`, and returns it.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn mend(&mut self, conn: &mut Conn, conversation: ConversationId, found: i64) -> Result<i64> {
        self.mended += 1;
        mend(conn, conversation, found).await
    }

    /// Those of these threads whose summaries were not compared with their replies yet, each once.
    pub(crate) fn unknown_threads(&self, threads: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
        let unknown: HashSet<(i64, i64)> = threads.filter(|thread| !self.threads.contains(thread)).collect();
        unknown.into_iter().collect()
    }

    /// Notes that these summaries are those of their replies; when there are too many, the others are rechecked.
    pub(crate) fn remember_threads(&mut self, threads: Vec<(i64, i64)>) {
        if self.threads.len() + threads.len() > REMEMBERED {
            self.threads.clear();
        }
        self.threads.extend(threads);
    }

    /// Notes that a summary is made anew in this transaction.
    pub(crate) fn mended_thread(&mut self) {
        self.mended += 1;
    }

    /// Notes what was committed.
    pub(crate) fn committed(&mut self, told: &Committed) {
        for told in told {
            if let Outgoing::Event(event) = told {
                self.remember(event.conversation, event.number.0);
            }
        }
    }

    /// How many were mended.
    pub(crate) fn mended(&self) -> usize {
        self.mended
    }

    /// Everything since so many heads were mended was rolled back.
    pub(crate) fn rolled_back_to(&mut self, mended: usize) {
        if self.mended != mended {
            *self = Self::default();
        }
    }
}

/// Sets a damaged head, which was read as `found`, to the last number that was given, so that none is given twice, and
/// returns it.
///
/// A client that was told of more than a head says cannot know whether that is damage or another history of the
/// database: a node that sees the head before it is mended takes it for another history
/// (`subscribers/src/hub/gaps.rs`), and the next send is told to come again. Mended, the head is not below what anybody
/// was told, and the history goes on.
async fn mend(conn: &mut Conn, id: ConversationId, found: i64) -> Result<i64> {
    let (last,) = sql!(conn, fetch_one as (Option<i64>,), LAST_NUMBER, id.0, GREATEST)?;
    let last = last.unwrap_or(1);
    let what = format!("head {found}, but {last} was the last number: the head is set to that");
    unreadable::note("conversations", id.0, what);
    set(conn, id, last).await?;
    Ok(last)
}

/// Writes a head.
pub(crate) async fn set(conn: &mut Conn, id: ConversationId, head: i64) -> Result<()> {
    sql!(conn, execute, SET_HEAD, id.0, head)?;
    Ok(())
}
