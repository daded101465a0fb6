//! Whom the sends of a batch are for: found before they are judged, stored with them.

use std::collections::HashMap;

use chat::{
    MessageId, Millis, UserId,
    mentions::{Mentions, Resolved},
    policies::{Grant, Rights},
};

use super::Verdict;
use crate::{
    Result, Unit,
    mentions::{self, Cause},
    writer::NewMessage,
};

/// The meaning of the names in a text, and the grant of its author to call everybody.
pub(super) type Call = (Resolved, Option<Grant>);

/// The meaning of the names in the texts of a batch, by the place of the text; nothing for texts that call nobody.
#[derive(Default)]
pub(super) struct Calls {
    resolved: HashMap<usize, Resolved>,
    grants: HashMap<usize, Grant>,
}

impl Calls {
    pub(super) async fn of(unit: &mut Unit, run: &[NewMessage]) -> Result<Self> {
        let texts = run.iter().enumerate().filter_map(|(index, append)| {
            let called = append.called.as_deref()?;
            let (conversation, author) = (append.submission.conversation, append.author.user);
            Some(mentions::Text { index, conversation, author, called })
        });
        let texts: Vec<mentions::Text<'_>> = texts.collect();
        if texts.is_empty() {
            return Ok(Self::default());
        }
        let resolved = mentions::resolve_all(&mut unit.conn, &texts).await?;
        Ok(Self { resolved, grants: mentions::grants(&mut unit.conn, &texts).await? })
    }

    pub(super) fn take(&mut self, index: usize) -> Call {
        (self.resolved.remove(&index).unwrap_or_default(), self.grants.remove(&index))
    }
}

/// Those whom a message is for, which answers one of this author.
pub(super) fn meant(
    append: &NewMessage,
    parent_author: Option<i64>,
    (resolved, grant): Call,
    mut rights: Rights,
    now: Millis,
) -> chat::Result<Mentions> {
    rights.grants.extend(grant);
    let (reach, unconfirmed) = (append.submission.reach, append.unconfirmed);
    let mut mentions = match &append.called {
        Some(called) => resolved.mentions(called, &rights, reach, unconfirmed, now)?,
        None => Mentions::default(),
    };
    mentions.reply_to = parent_author.map(UserId).filter(|author| *author != append.author.user);
    Ok(mentions)
}

/// Stores whom the new messages are for. Most are for nobody.
pub(super) async fn insert(
    unit: &mut Unit,
    run: &[NewMessage],
    verdicts: &[Verdict],
    ids: &HashMap<(i64, i64), i64>,
) -> Result<()> {
    let mut rows = mentions::Rows::default();
    for (append, verdict) in run.iter().zip(verdicts) {
        let Verdict::New { number, at, mentions, .. } = verdict else { continue };
        let conversation = append.submission.conversation;
        let Some(id) = ids.get(&(conversation.0, number.0)).filter(|_| !mentions.is_empty()) else { continue };
        let (message, actor) = (MessageId(*id), append.author.user);
        rows.add(Cause { message, conversation, seq: *number, actor, number: *number, at: *at }, mentions);
    }
    rows.store(&mut unit.conn).await
}
