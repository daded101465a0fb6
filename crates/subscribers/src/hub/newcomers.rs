//! The events for a person's old clients when the person comes into a conversation that has gone on since.
//!
//! On another node than the one that brought the person in, the event of the account is read from the database, and
//! messages may have followed by then. A client of the native protocol sees from the conversation's row that there are
//! some, and reads them. Those of the old systems have no such row: they are told the messages themselves.

use chat::{ConversationId, Event, Number, Result, UserId, conversations::Listed, reply::CaughtUp};
use dialects::Dialect;

use super::{CloseReason, Control, State, gaps};
use crate::{
    audience::{Audience, Listening},
    channel::Limited,
    chunk::Chunk,
};

/// A conversation as it was read for somebody who came into it.
pub(super) struct Entered {
    pub(super) listed: Listed,
    /// The changes in it since they came, if they have old clients.
    pub(super) since: Option<CaughtUp>,
}

/// The changes of a conversation between somebody's coming and the moment from which they hear it.
pub(super) struct Meanwhile {
    /// The number of the account's event that they came in with.
    pub(super) number: Number,
    events: Vec<Event>,
    /// Whether it is too much to be told.
    reset: bool,
}

impl Meanwhile {
    /// Of these changes, those up to the head at which the conversation was read.
    pub(super) fn of(number: Number, since: &CaughtUp, listed: &Listed) -> Self {
        let (from, head) = (since.from, listed.conversation.head);
        let mut events = gaps::events(&since.seen_from(listed.visible_from), from);
        events.retain(|event| event.fact.message().is_some_and(|message| message.seq > from && message.seq <= head));
        Self { number, events, reset: since.reset }
    }
}

impl State {
    /// Whether a person is here with a client whose dialect has no numbers, and so no way to catch up.
    pub(super) fn has_old_clients(&self, user: UserId) -> bool {
        self.people.get(&user).is_some_and(|person| person.subscribers.iter().any(|one| is_old(one.dialect)))
    }

    /// Reads the conversation that an event of an account is about, as it is now.
    pub(super) fn read_entered(&self, user: UserId, conversation: ConversationId, number: Number) {
        let (lookups, listed) = (self.lookups.clone(), self.lookups.listed(user, conversation));
        let has_old = self.has_old_clients(user);
        self.later(async move {
            let read: Result<Option<Entered>> = async {
                let Some(listed) = listed.await? else { return Ok(None) };
                let since = if has_old { lookups.since_joining(user, conversation).await? } else { None };
                Ok(Some(Entered { listed, since }))
            }
            .await;
            Control::Entered { user, number, entered: Box::new(read) }
        });
    }

    /// Tells a person's old clients what happened before they heard the conversation.
    pub(super) fn tell_meanwhile(&mut self, user: UserId, conversation: ConversationId, meanwhile: Meanwhile) {
        let Some(channel) = self.channels.get(&conversation) else { return };
        let Some(person) = self.people.get(&user) else { return };
        let old: Vec<_> = person.subscribers.iter().filter(|one| is_old(one.dialect)).cloned().collect();
        if meanwhile.reset {
            // It reconnects and reads what it shows.
            return old.iter().for_each(|subscriber| subscriber.outbox.end(CloseReason::Restart(0)));
        }
        let mut listening = Listening::default();
        old.iter().for_each(|subscriber| listening[Audience::of(subscriber).place()] += 1);
        let mut chunk = Chunk::default();
        for event in &meanwhile.events {
            chunk.add(&self.numbers, &channel.place, event, &listening, Limited::NOBODY);
        }
        self.deliveries.fetch_add(chunk.hand_out(&old, Limited::NOBODY), super::Ordering::Relaxed);
        old.iter().for_each(|subscriber| subscriber.outbox.wake());
    }
}

fn is_old(dialect: Dialect) -> bool {
    (dialect.hidden)(ConversationId(0), Number(0)).is_none()
}
