//! Catch-up: the rows that changed after a number, as they are now, read from the database and never from a buffer.
//!
//! A long answer is sent in pieces, so that a slow reader costs the server one piece and not everything that was
//! missed, and gets further with each try. Rows are merged by `rev`: a piece that ends at K holds every row whose last
//! change has a number up to K. A row that changes again in between comes with its later number instead. So K is a
//! cursor to continue from, and it gives the state of the conversation only once the last piece has come.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use chat::{
    ConversationId, Error, Limits, Number, Result,
    conversations::Conversation,
    mutants::{self, Mutant},
    reply::CaughtUp,
};
use store::{Conn, catch_up::Weight};

use crate::{Call, access::Access};

/// More rows of the smallest weight than fit into a piece of the usual size.
const WEIGHED: i64 = 1_024;

/// The size of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All changes: for the hub, whose subscribers share the answer.
    Whole,
    /// About `limits.catch_up_bytes`, and at least one whole number: for a client that may be slow.
    Piece,
}

impl Call {
    pub(crate) async fn catch_up(&self, conversation: ConversationId, since: Number) -> Result<CaughtUp> {
        let mut conn = self.db.read().await?;
        let Access { conversation, visible_from, .. } = self.access_in(&mut conn, conversation).await?;
        let wanted = Wanted { since, visible_from, extent: Extent::Piece };
        changes(&mut conn, conversation, wanted, &self.settings.limits).await
    }
}

/// A request to catch up.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The number that the client has.
    pub since: Number,
    /// The number from which on they see messages; 0 if they see all.
    pub visible_from: Number,
    /// The size of the answer.
    pub extent: Extent,
}

/// The changes that take a member of a conversation from a number towards the present; a reset if too many rows
/// changed.
pub(crate) async fn changes(conn: &mut Conn, row: Conversation, wanted: Wanted, limits: &Limits) -> Result<CaughtUp> {
    let since = wanted.since;
    if since.0 < 0 {
        return Err(Error::invalid("since", "since must not be negative."));
    }
    let head = row.head;
    let mut caught_up = CaughtUp {
        from: since,
        to: head,
        conversation: row,
        members: Vec::new(),
        messages: Vec::new(),
        threads: Vec::new(),
        // A cursor beyond the head belongs to another history of the database.
        reset: since > head,
        more: false,
    };
    if since >= head {
        return Ok(caught_up);
    }
    match end_of_piece(conn, &caught_up, wanted, limits).await? {
        Some(end) => caught_up.to = end,
        None => caught_up.reset = true,
    }
    if !caught_up.reset {
        caught_up.more = caught_up.to < head;
        read_rows(conn, &mut caught_up, wanted.visible_from).await?;
    }
    Ok(caught_up)
}

/// The number at which the next piece ends; `None` if there is too much to catch up with.
async fn end_of_piece(conn: &mut Conn, whole: &CaughtUp, wanted: Wanted, limits: &Limits) -> Result<Option<Number>> {
    let (conversation, since, head) = (whole.conversation.id, whole.from, whole.to);
    let numbers = head.0 - since.0;
    // Each number changes one row, and a thread's summary at most, except the first, which adds all members that a group
    // begins with.
    let may_be_too_much = numbers > limits.catch_up || since < Number(1);
    let is_small = numbers.saturating_mul(heaviest(limits)) <= limits.catch_up_bytes;
    let bytes = (wanted.extent == Extent::Piece && !is_small).then_some(limits.catch_up_bytes);
    if !may_be_too_much && bytes.is_none() {
        return Ok(Some(head));
    }
    let limit = if may_be_too_much { limits.catch_up + 1 } else { WEIGHED };
    let weights = store::catch_up::weights(conn, conversation, (since, head), wanted.visible_from, limit).await?;
    let is_whole = i64::try_from(weights.len()).unwrap_or(i64::MAX) < limit;
    if may_be_too_much && !is_whole {
        return Ok(None);
    }
    let within = bytes.and_then(|bytes| last_within(&weights, bytes));
    let before_the_last = || weights.last().map(|weight| Number(weight.rev.0 - 1)).filter(|end| *end > since);
    Ok(within.or_else(|| if is_whole { Some(head) } else { before_the_last() }))
}

/// The largest weight of a message: a character has at most four bytes.
fn heaviest(limits: &Limits) -> i64 {
    4 * limits.message_length + 1_024
}

/// The last number whose rows, with all before them, fit into so many bytes, but at least the first number; `None` if
/// all of them fit.
fn last_within(weights: &[Weight], bytes: i64) -> Option<Number> {
    let mut sum = 0;
    let mut last = None;
    for of_one_number in weights.chunk_by(|one, next| one.rev == next.rev) {
        sum += of_one_number.iter().map(|weight| weight.bytes).sum::<i64>();
        if last.is_some() && sum > bytes {
            return last;
        }
        last = of_one_number.first().map(|weight| weight.rev);
    }
    None
}

/// Reads the rows whose last change lies within the answer's numbers.
async fn read_rows(conn: &mut Conn, caught_up: &mut CaughtUp, visible_from: Number) -> Result<()> {
    let (conversation, since, to) = (caught_up.conversation.id, caught_up.from, caught_up.to);
    caught_up.members = store::members::changed(conn, conversation, since, to).await?;
    caught_up.messages = store::messages::changed(conn, conversation, since, to, visible_from).await?;
    caught_up.messages.extend(store::messages::created(conn, conversation, since, to, visible_from).await?);
    caught_up.messages.sort_unstable_by_key(|message| message.seq);
    // The summaries are rows of their own, each in the piece of its last change.
    caught_up.messages.iter_mut().for_each(|message| message.summary = None);
    caught_up.threads = store::threads::changed(conn, conversation, since, to, visible_from).await?;
    if mutants::is(Mutant::ResumeFromMemory) {
        forget_what_was_before(caught_up);
    }
    Ok(())
}

/// A deliberate fault: leaves out what happened before this process first read the conversation.
fn forget_what_was_before(caught_up: &mut CaughtUp) {
    static SEEN: LazyLock<Mutex<HashMap<ConversationId, Number>>> = LazyLock::new(Mutex::default);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let first = *seen.entry(caught_up.conversation.id).or_insert(caught_up.conversation.head);
    caught_up.messages.retain(|message| message.rev > first);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(of: &[(i64, i64)]) -> Vec<Weight> {
        of.iter().map(|(rev, bytes)| Weight { rev: Number(*rev), bytes: *bytes }).collect()
    }

    #[test]
    fn a_piece_ends_with_the_last_number_that_fits() {
        let rows = weights(&[(3, 40), (4, 40), (6, 40), (7, 40)]);
        assert_eq!(last_within(&rows, 80), Some(Number(4)));
        assert_eq!(last_within(&rows, 119), Some(Number(4)));
        assert_eq!(last_within(&rows, 120), Some(Number(6)));
        assert_eq!(last_within(&rows, 160), None, "all of them fit");
    }

    #[test]
    fn a_piece_holds_at_least_one_whole_number() {
        let rows = weights(&[(3, 500), (3, 500), (4, 1)]);
        assert_eq!(last_within(&rows, 1), Some(Number(3)));
        assert_eq!(last_within(&rows[..2], 1), None);
    }
}
