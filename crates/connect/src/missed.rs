//! Catch-up answers: read and encoded once for all connections that ask for the same.
//!
//! After a restart or a broken cable thousands ask the same question at once. The key holds the number after which the
//! asker receives live events. So an answer that was read a moment ago takes everybody with the same key from their
//! cursor at least to that number, and later changes come live.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat::{ConversationId, Error, Number, Result, people::named_in};
use dialects::Dialect;
use engine::{Extent, Wanted};
use moka::future::Cache;
use subscribers::frame;

use crate::Shared;

/// How long an answer is kept: as long as many clients need to reconnect.
const KEPT: Duration = Duration::from_secs(2);
/// Bytes of answers that are kept.
const ROOM: u64 = 64 << 20;

/// The key of an answer: everything that it depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub epoch: String,
    /// The dialect in which it is encoded.
    pub dialect: Dialect,
    pub conversation: ConversationId,
    pub cursor: Number,
    /// The number after which the asker receives live events.
    pub live_from: Number,
    /// The number from which on they see messages; 0 if they see all.
    pub visible_from: Number,
}

/// One piece of the way from a cursor to the present.
#[derive(Clone)]
pub(crate) struct Piece {
    /// The encoded changes; empty if the dialect has no frame for them.
    pub frame: Bytes,
    /// The number that it takes its reader to.
    pub to: Number,
    /// The conversation's head when it was read; its conversation row is of that number.
    pub head: Number,
    /// Whether more pieces follow.
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
    /// Lets go of answers that are too old. The cache does so only when it is used, and after a storm nobody may use it.
    pub(crate) async fn forget_old(&self) {
        self.answers.run_pending_tasks().await;
    }

    /// The next piece between a member's cursor and the number after which they receive live events. The hub has just
    /// confirmed that they were a member at that number: it serves members only. If the piece contains later changes,
    /// the caller must check their membership again.
    pub(crate) async fn between(&self, shared: &Shared, key: Key) -> Result<Piece> {
        let (dialect, conversation) = (key.dialect, key.conversation);
        let wanted = Wanted { since: key.cursor, visible_from: key.visible_from, extent: Extent::Piece };
        // Boxed when it begins: of thousands who wait for the answer one reads it, and the future of each of the others
        // would hold the space for reading.
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
