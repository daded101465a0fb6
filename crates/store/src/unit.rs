//! A unit of work: one transaction's connection, and what it will have to tell once it is committed.

use chat::{
    ConnectionId, ConversationId, Event, Fact, Millis, Notice, Number, Told, UserId,
    event::{Audience, Order, Signal},
};

use crate::{Conn, Nudge, Result, heads::Heads, nudges};

/// What was committed together, in order: told to listeners after the commit, and only then.
pub type Committed = Vec<Told>;

/// What a writing closure gets: the transaction, who acts and when, and where to record what it did.
pub struct Unit {
    /// The transaction's connection.
    pub conn: Conn,
    /// When.
    pub now: Millis,
    pub(crate) committed: Committed,
    pub(crate) origin: Option<ConnectionId>,
    pub(crate) heads: Heads,
}

impl Unit {
    /// Takes the next number of a conversation. Whoever takes one must [`Unit::record`] an event with it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn next_number(&mut self, conversation: ConversationId) -> Result<Number> {
        let Self { conn, now, heads, .. } = self;
        heads.look_at(conn, std::iter::once(conversation)).await?;
        let number = crate::conversations::next_number(conn, conversation, *now).await?;
        if !heads.is_wrong(conversation, number.0 - 1) {
            return Ok(number);
        }
        heads.mend(conn, conversation, number.0 - 1).await?;
        crate::conversations::next_number(conn, conversation, *now).await
    }

    /// Records a numbered change, to be told after the commit.
    pub fn record(&mut self, conversation: ConversationId, number: Number, actor: UserId, fact: Fact) {
        let (origin, at) = (self.origin, self.now);
        self.committed.push(Told::Event(Event { conversation, number, actor, origin, at, fact }));
    }

    /// Records a change without a number.
    pub fn notify(&mut self, to: Audience, signal: Signal) {
        self.committed.push(Told::Notice(Notice { to, signal }));
    }

    /// Writes what other nodes must look at again once this is committed.
    pub(crate) async fn nudge(&mut self, node: i64) -> Result<()> {
        let nudges: Vec<Nudge> = self.committed.iter().filter_map(Nudge::after).collect();
        nudges::add(&mut self.conn, &nudges, node, self.now).await
    }

    /// Records what open connections must obey.
    pub fn order(&mut self, order: Order) {
        self.committed.push(Told::Order(order));
    }
}
