//! What was missed: read and encoded once for all who come back to the same place.
//!
//! After a restart or a cut cable thousands ask the same question at once. The key holds the number
//! from which the asker hears live events, so an answer that was read a moment ago takes everybody with
//! the same key from their cursor to at least there, and what has happened since comes live.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat::{ConversationId, Error, Number, Result, people::named_in};
use dialects::Dialect;
use engine::{Extent, Wanted};
use moka::future::Cache;
use subscribers::frame;

use crate::Shared;

/// How long an answer is kept: as long as a crowd needs to come in.
const KEPT: Duration = Duration::from_secs(2);
/// Bytes of answers that are kept.
const ROOM: u64 = 64 << 20;

/// Who has the same key is told the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub epoch: String,
    /// In which words.
    pub dialect: Dialect,
    pub conversation: ConversationId,
    pub cursor: Number,
    /// From where the asker hears live events.
    pub live_from: Number,
    /// From where they see messages; 0 if they see all.
    pub visible_from: Number,
}

/// One step from a cursor towards the present.
#[derive(Clone)]
pub(crate) struct Piece {
    /// What is told; empty where the dialect has no words for it.
    pub frame: Bytes,
    /// The number that it takes its reader to.
    pub to: Number,
    /// The conversation's head when it was read: what it tells of the conversation itself is from here.
    pub head: Number,
    /// Whether there is more to tell after it.
    pub more: bool,
}

pub(crate) struct Missed {
    answers: Cache<Key, Piece>,
}

impl Default for Missed {
    fn default() -> Self {
        let weigh = |_: &Key, piece: &Piece| u32::try_from(piece.frame.len()).unwrap_or(u32::MAX);
        Self { answers: Cache::builder().time_to_live(KEPT).max_capacity(ROOM).weigher(weigh).build() }
    }
}

impl Missed {
    /// The next piece of what takes a member from their cursor to where they hear live events. Whether they are a member
    /// at the latter the hub has just said: it listens on behalf of members only. If the piece knows more than that, the
    /// caller has to ask again.
    pub(crate) async fn between(&self, shared: &Shared, key: Key) -> Result<Piece> {
        let (dialect, conversation) = (key.dialect, key.conversation);
        let wanted = Wanted { since: key.cursor, visible_from: key.visible_from, extent: Extent::Piece };
        // Boxed when it begins: of thousands who wait for it one reads, and the others would each hold its room.
        let read = async { Box::pin(read(shared, dialect, conversation, wanted)).await };
        self.answers.try_get_with(key, read).await.map_err(|error: Arc<Error>| (*error).clone())
    }
}

async fn read(shared: &Shared, dialect: Dialect, conversation: ConversationId, wanted: Wanted) -> Result<Piece> {
    let caught_up = shared.engine.changes_for_members(conversation, wanted).await?;
    if shared.numbers.numbering(dialect).is_some() {
        shared.numbers.learn(&named_in(&caught_up)).await;
    }
    let text = shared.numbers.caught_up(dialect, conversation, &caught_up);
    let frame = text.map(|text| frame::text(&text)).unwrap_or_default();
    Ok(Piece { frame, to: caught_up.to, head: caught_up.conversation.head, more: caught_up.more })
}
