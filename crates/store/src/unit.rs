//! A unit of work: one transaction's connection, and what it will have to tell once it is committed.

use chat::{
    AccountEvent, AccountFact, ConnectionId, ConversationId, Event, Fact, Millis, Notice, Number, Outgoing, Scope,
    UserId,
    event::{Audience, Revocation, Signal},
    threads::Summary,
};

use crate::{Conn, Error, Result, account_changes, conversations, heads::Heads, invalidations};

/// The statement that begins a transaction on PostgreSQL and locks the rows of these scopes: conversations by their
/// ids, then accounts by theirs.
pub(crate) fn beginning_with(mut scopes: Vec<Scope>) -> String {
    scopes.sort_unstable();
    scopes.dedup();
    let (mut conversations, mut accounts) = (Vec::new(), Vec::new());
    for scope in scopes {
        match scope {
            Scope::Conversation(id) => conversations.push(id),
            Scope::Account(id) => accounts.push(id),
        }
    }
    // Numbers need no quotes; and what is prepared could not be one text with BEGIN.
    let locks = [
        (!conversations.is_empty()).then(|| conversations::lock_text(&conversations)),
        (!accounts.is_empty()).then(|| account_changes::lock_text(&accounts)),
    ];
    [Some("BEGIN".to_owned())].into_iter().chain(locks).flatten().collect::<Vec<_>>().join("; ")
}

/// Everything that was committed together, in order: published after the commit, and only then.
pub type Committed = Vec<Outgoing>;

/// The argument of a writing closure: the transaction, who acts and when, and where to record what it did.
pub struct Unit {
    /// The transaction's connection.
    pub conn: Conn,
    /// When.
    pub now: Millis,
    pub(crate) committed: Committed,
    pub(crate) origin: Option<ConnectionId>,
    /// The scopes that the present change has declared, which are locked.
    pub(crate) declared: Vec<Scope>,
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
        self.record_with(conversation, number, actor, fact, None);
    }

    /// The same of a change that changes a thread's summary, too.
    pub fn record_with(
        &mut self,
        conversation: ConversationId,
        number: Number,
        actor: UserId,
        fact: Fact,
        thread: Option<Summary>,
    ) {
        let (origin, at, thread) = (self.origin, self.now, thread.map(Box::new));
        self.committed.push(Outgoing::Event(Event { conversation, number, actor, origin, at, fact, thread }));
    }

    /// Takes the next number of an account. Whoever takes one must [`Unit::record_of`] an event with it.
    ///
    /// # Errors
    /// Those of the database; and if the change has not declared that it numbers this account: two nodes that lock rows
    /// in two orders would come to wait for each other.
    pub async fn next_number_of(&mut self, account: UserId) -> Result<Number> {
        if !self.declared.contains(&Scope::Account(account)) {
            return Err(Error::Other(format!("a change numbers account {account} and has not declared it")));
        }
        account_changes::next_number(&mut self.conn, account).await
    }

    /// Records a numbered change of an account, for those who were away and to be told after the commit.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn record_of(&mut self, account: UserId, number: Number, fact: AccountFact) -> Result<()> {
        account_changes::note(&mut self.conn, account, number, &fact).await?;
        let (origin, after) = (self.origin, Number(number.0 - 1));
        self.committed.push(Outgoing::Account(AccountEvent { account, after, number, origin, fact }));
        Ok(())
    }

    /// Records a change without a number.
    pub fn notify(&mut self, to: Audience, signal: Signal) {
        self.committed.push(Outgoing::Notice(Notice { to, signal }));
    }

    /// Writes what other nodes must recheck once this is committed.
    pub(crate) async fn invalidation(&mut self, node: i64) -> Result<()> {
        invalidations::add(&mut self.conn, &invalidations::of(&self.committed), node, self.now).await
    }

    /// Records what open connections must obey.
    pub fn revoke(&mut self, revocation: Revocation) {
        self.committed.push(Outgoing::Revocation(revocation));
    }
}
