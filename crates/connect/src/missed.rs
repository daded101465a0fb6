//! What was missed: read and encoded once for all who come back to the same place.
//!
//! After a restart or a cut cable thousands ask the same question at once. The key holds the number
//! from which the asker hears live events, so an answer that was read a moment ago takes everybody with
//! the same key from their cursor to at least there, and what has happened since comes live.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat::{ConversationId, Error, Number, Result};
use dialects::Dialect;
use engine::Engine;
use moka::future::Cache;
use subscribers::frame;

/// How long an answer is kept: as long as a crowd needs to come in.
const KEPT: Duration = Duration::from_secs(2);
/// Bytes of answers that are kept.
const ROOM: u64 = 64 << 20;

type Key = (Dialect, ConversationId, Number, Number);

pub(crate) struct Missed {
    answers: Cache<Key, (Bytes, Number)>,
}

impl Default for Missed {
    fn default() -> Self {
        let weigh = |_: &Key, (answer, _): &(Bytes, Number)| u32::try_from(answer.len()).unwrap_or(u32::MAX);
        Self { answers: Cache::builder().time_to_live(KEPT).max_capacity(ROOM).weigher(weigh).build() }
    }
}

impl Missed {
    /// The frame that takes a member from their cursor to where they hear live events, and the number that it takes
    /// them to. Whether they are a member at the former the hub has just said: it listens on behalf of members only. If
    /// the answer goes further, the caller has to ask again.
    pub(crate) async fn between(
        &self,
        engine: &Engine,
        dialect: Dialect,
        conversation: ConversationId,
        cursor: Number,
        live_from: Number,
    ) -> Result<(Bytes, Number)> {
        let read = async {
            let caught_up = engine.changes_for_members(conversation, cursor).await?;
            let text = dialect.caught_up(conversation, &caught_up);
            Ok::<_, Error>((text.map(|text| frame::text(&text)).unwrap_or_default(), caught_up.to))
        };
        let key = (dialect, conversation, cursor, live_from);
        self.answers.try_get_with(key, read).await.map_err(|error: Arc<Error>| (*error).clone())
    }
}
