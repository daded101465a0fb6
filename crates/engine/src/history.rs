//! History: pages of a conversation's messages.

use chat::{
    ConversationId, Error, ErrorCode, MessageId, Number, Reply, Result,
    messages::{Anchor, Message, Page, View},
};
use store::Conn;

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

/// How many entries of a page fit into so many bytes, at least one. On a slow line what is told meanwhile waits behind
/// the page.
pub(crate) fn fitting<T>(entries: &[T], most: i64, texts: impl Fn(&T) -> usize) -> usize {
    /// About what an entry has besides its texts, in bytes.
    const ENTRY: usize = 600;
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
        let mut conn = self.db.read().await?;
        if let View::Thread(root) = view {
            access.root(&mut conn, root).await?;
        }
        let Access { conversation: row, visible_from: from, .. } = access;
        let conversation = (conversation, view);
        let (conn, head, first) = (&mut conn, row.head, from.max(Number(1)));
        let limit = limit.clamp(1, self.settings.limits.history_page);
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
