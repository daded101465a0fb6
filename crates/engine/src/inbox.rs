//! The inbox: what was for the speaker, and how much of it they have read. What is in it is read at the moment at which
//! it is asked for: nothing of conversations that the speaker has left, and nothing that was deleted.

use std::collections::HashMap;

use chat::{
    AccountFact, Error, MessageId, Millis, Reply, Result,
    conversations::Kind,
    inbox::{InboxPlace, InboxReading, InboxReason, Item, SINGLE},
};

use crate::{
    Call,
    history::{fitting, text_bytes},
};

/// Later than anything.
const NEVER: Millis = Millis(i64::MAX);

impl Call {
    pub(crate) async fn inbox(&self, before: Option<InboxPlace>, threads: bool, limit: i64) -> Result<Reply> {
        let (me, limit) = (self.speaker.user, self.list_limit(limit));
        let mut conn = self.db.read().await?;
        let before = before.unwrap_or(InboxPlace::END);
        let mut entries = store::inbox::page(&mut conn, me, before, limit).await?;
        if threads {
            entries.extend(store::inbox::threads(&mut conn, me, before, limit).await?);
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.place));
        }
        let full = i64::try_from(entries.len()).unwrap_or(i64::MAX) >= limit;
        entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let mut next = entries.last().filter(|_| full).map(|entry| entry.place);
        let state = store::inbox::read_state(&mut conn, me).await?;
        let ids: Vec<MessageId> = entries.iter().map(|entry| entry.place.message).collect();
        // The membership is looked at again together with the messages.
        let messages = store::messages::found(&mut conn, &ids, me, (Millis(0), NEVER), &Kind::ALL).await?;
        let messages: HashMap<MessageId, _> = messages.into_iter().map(|message| (message.id, message)).collect();
        let mut items: Vec<Item> = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(message) = messages.get(&entry.place.message) else { continue };
            match items.last_mut().filter(|item| item.place == entry.place) {
                // One message that is for somebody for several reasons is one item.
                Some(item) => {
                    item.read |= entry.passed;
                    if rank(entry.reason) < rank(item.reason) {
                        (item.reason, item.group) = (entry.reason, entry.group);
                    }
                }
                None => items.push(Item {
                    place: entry.place,
                    reason: entry.reason,
                    actor_name: entry.actor_name,
                    emoji: entry.emoji,
                    group: entry.group,
                    read: entry.passed || state.has(entry.place),
                    message: message.clone(),
                }),
            }
        }
        let fitting = fitting(&items, self.settings.limits.queue_bytes, |item| text_bytes(&item.message));
        if fitting < items.len() {
            items.truncate(fitting);
            next = items.last().map(|item| item.place);
        }
        Ok(Reply::Inbox { items, next, state })
    }

    /// Marks items as read, or everything up to one.
    pub(crate) async fn read_inbox(&self, reading: InboxReading) -> Result<Reply> {
        let now = self.engine.now();
        check(&reading, now)?;
        let me = self.speaker.user;
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                let mut state = store::inbox::read_state(&mut unit.conn, me).await?;
                if !state.read(&reading) {
                    return Ok(Reply::InboxRead(state));
                }
                state.rev = unit.next_number_of(me).await?;
                store::inbox::set_read_state(&mut unit.conn, me, &state).await?;
                unit.record_of(me, state.rev, AccountFact::InboxRead(state.clone())).await?;
                Ok(Reply::InboxRead(state))
            })
        })
        .await
    }
}

/// The place of a reason among all.
fn rank(reason: InboxReason) -> Option<usize> {
    InboxReason::ALL.iter().position(|one| *one == reason)
}

/// How far ahead the clock of another node may be, in milliseconds.
const AHEAD: i64 = 60_000;

fn check(reading: &InboxReading, now: Millis) -> Result<()> {
    let is_to_come = |place: &InboxPlace| place.at.since(now) > AHEAD;
    match reading {
        InboxReading::These(places) if places.len() > SINGLE => {
            Err(Error::invalid("items", format!("items must have at most {SINGLE} entries.")))
        }
        InboxReading::These(places) if places.iter().any(is_to_come) => {
            Err(Error::invalid("items", "items must be ids of what is in the inbox."))
        }
        // Else nothing that is still to come would ever be unread.
        InboxReading::To(place) if is_to_come(place) => {
            Err(Error::invalid("all_to", "all_to must be the id of what is in the inbox."))
        }
        InboxReading::These(_) | InboxReading::To(_) => Ok(()),
    }
}
