//! Reads one page of a list by last activity, without missing entries that move.
//!
//! The first pass goes down by time of last activity. A conversation that is active meanwhile moves up, to where the
//! pass has been already; so a second pass lists, by id, those that were active after the first page was read. When it
//! begins, every conversation that has not moved was listed by the first pass; and one that moves during the second
//! pass was listed as well. A conversation that was listed and moves afterwards comes a second time, in its new state.

use std::collections::HashMap;

use chat::{
    ConversationId, Millis, UserId,
    conversations::{Conversation, InRoom, Listed, Peer},
    messages::Message,
    query::ListPosition,
};
use store::{
    Conn, Db, Result,
    listing::{self, Entry},
};

use crate::{
    Engine, Here,
    batcher::{Answers, each},
};

/// By how many milliseconds a later commit may have an earlier time: on several nodes, whose clocks differ and whose
/// commits overlap. With a single writer this does not happen.
const OVERLAP: i64 = 2_000;
/// Conversations of the first pass that a cursor can name, so that the second pass does not list them again.
const NAMED: usize = 100;

/// The entries of a page, and the position where it ended if there may be more.
pub(crate) async fn page(
    conn: &mut Conn,
    user: UserId,
    after: Option<ListPosition>,
    limit: i64,
    now: Millis,
) -> Result<(Vec<Entry>, Option<ListPosition>)> {
    let Some(mut position) = after else { return first(conn, user, limit, now).await };
    let mut entries = Vec::new();
    if let Some(active_at) = position.active_at {
        entries = listing::listed(conn, user, Some((active_at, position.conversation)), limit + 1).await?;
        if let Some(last) = cut(&mut entries, limit) {
            position.active_at = Some(last.active_at);
            position.conversation = last.conversation.id;
            position.note(&entries);
            return Ok((entries, Some(position)));
        }
        position.note(&entries);
        (position.active_at, position.conversation) = (None, ConversationId(0));
    }
    let next = second(conn, user, &mut position, &mut entries, limit).await?;
    Ok((entries, next.then_some(position)))
}

/// The entries of a page of what is hidden, and where it ended, if there may be more. What is active meanwhile is
/// hidden no longer: one pass finds all that are.
pub(crate) async fn hidden(
    conn: &mut Conn,
    user: UserId,
    after: Option<ListPosition>,
    limit: i64,
) -> Result<(Vec<Entry>, Option<ListPosition>)> {
    let after = after.and_then(|position| Some((position.active_at?, position.conversation)));
    let mut entries = listing::hidden(conn, user, after, limit + 1).await?;
    let next = cut(&mut entries, limit).map(|last| ListPosition {
        active_at: Some(last.active_at),
        conversation: last.conversation.id,
        horizon: ListPosition::NO_HORIZON,
        listed: Vec::new(),
    });
    Ok((entries, next))
}

async fn first(conn: &mut Conn, user: UserId, limit: i64, now: Millis) -> Result<(Vec<Entry>, Option<ListPosition>)> {
    let mut entries = listing::listed(conn, user, None, limit + 1).await?;
    let newest = entries.first().map_or(0, |entry| entry.active_at);
    let overlap = if conn.is_sqlite() { 0 } else { OVERLAP };
    let next = cut(&mut entries, limit).map(|last| ListPosition {
        active_at: Some(last.active_at),
        conversation: last.conversation.id,
        // A time in the future, from a clock that was ahead, would hide present activity.
        horizon: newest.min(now.0.saturating_add(OVERLAP)).saturating_sub(overlap).max(0),
        listed: Vec::new(),
    });
    let next = next.map(|mut position| {
        position.note(&entries);
        position
    });
    Ok((entries, next))
}

/// Fills the page up with conversations that have moved; true if there may be more of them.
async fn second(
    conn: &mut Conn,
    user: UserId,
    position: &mut ListPosition,
    entries: &mut Vec<Entry>,
    limit: i64,
) -> Result<bool> {
    let room = limit.saturating_sub(i64::try_from(entries.len()).unwrap_or(i64::MAX));
    loop {
        let mut moved = listing::moved(conn, user, position.horizon, position.conversation, room + 1).await?;
        let more = i64::try_from(moved.len()).unwrap_or(i64::MAX) > room;
        cut(&mut moved, room);
        if let Some(last) = moved.last() {
            position.conversation = last.conversation.id;
        }
        moved.retain(|entry| !position.listed.contains(&entry.conversation.id));
        entries.append(&mut moved);
        // Clients take an empty page for the last one. So this continues past conversations that were listed already;
        // their number is bounded.
        if !more || !entries.is_empty() {
            return Ok(more);
        }
    }
}

impl Engine {
    /// Adds the newest message and the other person to entries of lists; the same entries, in their order.
    pub(crate) async fn complete(&self, conn: &mut Conn, entries: Vec<Entry>) -> Result<Vec<Listed>> {
        complete(&self.inner.here, conn, entries).await
    }
}

/// The same, with three queries at most for all of them.
async fn complete(here: &Here, conn: &mut Conn, entries: Vec<Entry>) -> Result<Vec<Listed>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<ConversationId> = entries.iter().map(|e| e.conversation.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let newest = store::messages::newest(conn, &ids).await?;
    let in_room = newest_in_room(conn, &newest).await?;
    let peers: Vec<UserId> = entries.iter().filter_map(|e| peer_of(&e.conversation, e.user)).collect();
    let accounts: HashMap<UserId, _> =
        store::accounts::by_ids(conn, &peers).await?.into_iter().map(|a| (a.id, a)).collect();
    Ok(entries
        .into_iter()
        .map(|entry| {
            let peer = peer_of(&entry.conversation, entry.user).and_then(|id| accounts.get(&id)).map(|account| Peer {
                user: account.id,
                username: account.username.clone(),
                shown_name: account.shown_name(),
                display_name: account.profile.display_name.clone(),
                first_name: account.profile.first_name.clone(),
                last_name: account.profile.last_name.clone(),
                presence: here(account.id).presence.shown(),
            });
            let id = entry.conversation.id;
            let seen = |newest: &Message| newest.seq >= entry.visible_from;
            let last = newest.get(&id);
            let is_aside = last.is_some_and(|newest| !newest.is_in_room());
            let differs = is_aside || entry.unread_in_room != entry.unread;
            let room = differs.then(|| {
                let last_in_room = if is_aside { in_room.get(&id) } else { last };
                Box::new(InRoom { unread: entry.unread_in_room, last_message: last_in_room.cloned().filter(seen) })
            });
            Listed {
                last_message: last.cloned().filter(seen),
                room,
                conversation: entry.conversation,
                role: entry.role,
                visible_from: entry.visible_from,
                read_seq: entry.read_seq,
                unread: entry.unread,
                unread_for_me: entry.unread_for_me,
                settings: entry.settings,
                peer,
            }
        })
        .collect())
}

/// A conversation as one of its members has it in their list, or would have it.
#[derive(Clone)]
pub(crate) struct Shown {
    pub listed: Listed,
    /// Whether it is out of their list.
    pub is_hidden: bool,
}

/// Looks up conversations of many people at a time, each as its member sees it: a crowd that comes back asks for them.
pub(crate) struct Lookup {
    pub db: Db,
    pub here: Here,
}

impl Lookup {
    async fn look(&self, places: &[(ConversationId, UserId)]) -> Result<HashMap<(ConversationId, UserId), Shown>> {
        let mut conn = self.db.read().await?;
        let entries = listing::of_these(&mut conn, places).await?;
        let known: Vec<_> =
            entries.iter().map(|entry| ((entry.conversation.id, entry.user), entry.hidden.is_some())).collect();
        let listed = complete(&self.here, &mut conn, entries).await?;
        let shown = known.into_iter().zip(listed);
        Ok(shown.map(|((place, is_hidden), listed)| (place, Shown { listed, is_hidden })).collect())
    }
}

impl Answers<(ConversationId, UserId), chat::Result<Option<Shown>>> for Lookup {
    /// Of each some hundred messages may have to be counted.
    const MOST: usize = 64;

    async fn answer(&mut self, places: Vec<(ConversationId, UserId)>) -> Vec<chat::Result<Option<Shown>>> {
        each(&places, self.look(&places).await)
    }
}

/// The newest messages that stand in the room, of those conversations whose newest message is in a thread only.
async fn newest_in_room(
    conn: &mut Conn,
    newest: &HashMap<ConversationId, Message>,
) -> Result<HashMap<ConversationId, Message>> {
    let aside = newest.values().filter(|message| !message.is_in_room()).map(|message| message.conversation);
    let aside: Vec<ConversationId> = aside.collect();
    if aside.is_empty() { Ok(HashMap::new()) } else { store::messages::newest_in_room(conn, &aside).await }
}

fn peer_of(conversation: &Conversation, user: UserId) -> Option<UserId> {
    let (low, high) = conversation.pair?;
    Some(if low == user { high } else { low })
}

/// Cuts a page that was read with one entry too many; returns the last remaining entry if there are more.
fn cut(entries: &mut Vec<Entry>, limit: i64) -> Option<&Entry> {
    crate::history::cut(entries, limit)
}

trait Note {
    fn note(&mut self, entries: &[Entry]);
}

impl Note for ListPosition {
    /// Remembers the entries that the second pass would list again although they have not moved.
    fn note(&mut self, entries: &[Entry]) {
        let horizon = self.horizon;
        let recent = entries.iter().filter(|entry| entry.active_at > horizon).map(|entry| entry.conversation.id);
        let free = NAMED.saturating_sub(self.listed.len());
        self.listed.extend(recent.take(free));
    }
}
