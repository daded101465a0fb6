//! History: pages of a conversation's messages.

use std::{sync::Arc, time::Duration};

use chat::{
    ConversationId, Error, ErrorCode, MessageId, Number, Reply, Result,
    messages::{Anchor, Message, Page, View},
};
use moka::future::Cache;
use store::{Conn, Db};

use crate::{Call, access::Access};

/// Cuts a page that was read with one entry too many; returns the last remaining entry if there are more.
pub(crate) fn cut<T>(entries: &mut Vec<T>, limit: i64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if entries.len() <= limit {
        return None;
    }
    entries.truncate(limit);
    entries.last()
}

/// About what an entry of a page has besides its texts, in bytes.
const ENTRY: usize = 600;

/// How many entries of a page fit into so many bytes, at least one. On a slow line what is told meanwhile waits behind
/// the page.
pub(crate) fn fitting<T>(entries: &[T], most: i64, texts: impl Fn(&T) -> usize) -> usize {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut bytes = 0_usize;
    let fits = |entry: &&T| {
        bytes = bytes.saturating_add(ENTRY + texts(entry));
        bytes <= most
    };
    entries.iter().take_while(fits).count().max(1).min(entries.len())
}

/// The bytes of a message's text.
pub(crate) fn text_bytes(message: &Message) -> usize {
    message.text.as_ref().map_or(0, String::len)
}

/// How long a page is kept: as long as many clients need to come back.
const KEPT: Duration = Duration::from_secs(1);
/// Bytes of pages that are kept, about.
const ROOM: u64 = 16 << 20;

/// Everything that the newest page of a conversation depends on, but for the names of its authors.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    conversation: ConversationId,
    view: View,
    /// Each change of a message moves it.
    head: Number,
    from: Number,
    limit: i64,
}

/// The newest pages that were read a moment ago. When everybody comes back, the people of a room ask for the same one,
/// and it is read once; who may see it, and what is the newest, has been looked up for each of them before.
pub(crate) struct Newest {
    pages: Cache<Key, Arc<(Messages, bool)>>,
}

impl Default for Newest {
    fn default() -> Self {
        let weigh = |_: &Key, page: &Arc<(Messages, bool)>| {
            let bytes = page.0.iter().map(|message| ENTRY + text_bytes(message)).sum::<usize>();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self { pages: Cache::builder().time_to_live(KEPT).max_capacity(ROOM).weigher(weigh).build() }
    }
}

impl Newest {
    /// Forgets all pages: a name in them may have changed.
    pub(crate) fn forget(&self) {
        self.pages.invalidate_all();
    }

    /// Lets go of pages that are too old.
    pub(crate) async fn forget_old(&self) {
        self.pages.run_pending_tasks().await;
    }

    /// A page, and whether there is more before it.
    async fn page(&self, db: &Db, key: Key) -> Result<(Messages, bool)> {
        // Boxed when it begins: of many who wait for the page one reads it.
        let read = async {
            Box::pin(async {
                let conversation = (key.conversation, key.view);
                let mut conn = db.read().await?;
                // Not beyond the head that was read together with the membership.
                before(&mut conn, conversation, key.head.next(), key.from, key.limit).await.map(Arc::new)
            })
            .await
        };
        let page = self.pages.try_get_with(key, read).await.map_err(|error: Arc<Error>| (*error).clone())?;
        Ok((*page).clone())
    }
}

impl Call {
    pub(crate) async fn history(
        &self,
        conversation: ConversationId,
        view: View,
        anchor: Anchor,
        limit: i64,
    ) -> Result<Reply> {
        // The head is read first: a change that is newer comes as an event, and repeats do no harm.
        let access = self.access(conversation).await?;
        let limit = limit.clamp(1, self.settings.limits.history_page);
        if anchor == Anchor::Latest && !matches!(view, View::Thread(_)) {
            let (head, from) = (access.conversation.head, access.visible_from);
            let key = Key { conversation, view, head, from, limit };
            let (mut messages, has_more_before) = self.engine.inner.newest.page(&self.db, key).await?;
            messages.retain(|message| message.seq <= head);
            return Ok(Reply::History(Page { messages, has_more_before, has_more_after: false, head }));
        }
        let mut conn = self.db.read().await?;
        if let View::Thread(root) = view {
            access.root(&mut conn, root).await?;
        }
        let Access { conversation: row, visible_from: from, .. } = access;
        let conversation = (conversation, view);
        let (conn, head, first) = (&mut conn, row.head, from.max(Number(1)));
        let (mut messages, has_more_before, has_more_after) = match anchor {
            Anchor::Latest => {
                // Not beyond the head that was read together with the membership.
                let (messages, more) = before(conn, conversation, head.next(), from, limit).await?;
                (messages, more, false)
            }
            Anchor::Before(seq) => {
                let (messages, more) = before(conn, conversation, seq, from, limit).await?;
                (messages, more, seq <= head)
            }
            Anchor::After(seq) => {
                let after_seq = seq.max(Number(first.0 - 1));
                let (messages, more) = after(conn, conversation, after_seq, limit).await?;
                (messages, seq >= first, more)
            }
            Anchor::Around(seq) => {
                let older = limit / 2;
                let (mut messages, more_before) = before(conn, conversation, seq, from, older).await?;
                let newer = limit - i64::try_from(messages.len()).unwrap_or(0);
                let (rest, more_after) = after(conn, conversation, Number(seq.max(first).0 - 1), newer).await?;
                messages.extend(rest);
                (messages, more_before, more_after)
            }
        };
        messages.retain(|message| message.seq <= head);
        Ok(Reply::History(Page { messages, has_more_before, has_more_after, head }))
    }

    pub(crate) async fn message(&self, conversation: ConversationId, seq: Number) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        let access = self.access_in(&mut conn, conversation).await?;
        Ok(Reply::Message(Box::new(access.message(&mut conn, seq).await?)))
    }

    pub(crate) async fn message_by_id(&self, id: MessageId) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        // Somebody who may not read the conversation must not learn that the message exists, not even by the time that
        // the answer takes: for a missing message, the membership in a conversation that does not exist is looked up.
        let conversation = store::messages::conversation_of(&mut conn, id).await?.unwrap_or_default();
        let access = match self.access_in(&mut conn, conversation).await {
            Err(error) if error.code == ErrorCode::NotFound => return Err(Error::not_found("message")),
            access => access?,
        };
        let message = store::messages::by_id(&mut conn, id).await?.filter(|message| access.sees(message.seq));
        message.map(|message| Reply::Message(Box::new(message))).ok_or_else(|| Error::not_found("message"))
    }

    pub(crate) async fn timeline(&self, conversation: ConversationId, offset: i64, limit: i64) -> Result<Reply> {
        if offset < 0 {
            return Err(Error::invalid("offset", "offset must not be negative."));
        }
        let mut conn = self.db.read().await?;
        let from = self.access_in(&mut conn, conversation).await?.visible_from;
        let limit = limit.clamp(1, self.settings.limits.timeline_page);
        let total = store::messages::count(&mut conn, conversation, from).await?;
        let messages = store::messages::timeline(&mut conn, conversation, from, offset, limit).await?;
        Ok(Reply::Timeline { messages, total })
    }
}

type Messages = Vec<chat::messages::Message>;

/// The messages in view before a number and from `from` on, and whether there are more of them.
async fn before(
    conn: &mut Conn,
    conversation: (ConversationId, View),
    seq: Number,
    from: Number,
    limit: i64,
) -> Result<(Messages, bool)> {
    let mut messages = store::messages::before_in(conn, conversation, seq, from, limit + 1).await?;
    let more = i64::try_from(messages.len()).unwrap_or(0) > limit;
    if more {
        messages.remove(0);
    }
    Ok((messages, more))
}

async fn after(
    conn: &mut Conn,
    conversation: (ConversationId, View),
    seq: Number,
    limit: i64,
) -> Result<(Messages, bool)> {
    let mut messages = store::messages::after_in(conn, conversation, seq, limit + 1).await?;
    let more = cut(&mut messages, limit).is_some();
    Ok((messages, more))
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_page_has_as_many_entries_as_fit_and_at_least_one() {
        for (texts, kept) in [(&[400, 400, 400][..], 2), (&[5_000, 1], 1), (&[10, 10], 2), (&[], 0), (&[400, 401], 1)] {
            assert_eq!(fitting(texts, 2_000, |bytes| *bytes), kept, "{texts:?}");
        }
    }
}
