//! The hub's lookups.

use std::{collections::HashMap, future::Future, pin::Pin};

use chat::{
    ConversationId, Millis, Number, Result, Scope, SessionId, UserId,
    conversations::Listed,
    rates::Spent,
    reply::{AccountChanges, CaughtUp},
    sessions::Standing,
};
use store::members::Belongings;

/// An answer that comes later.
pub type Lookup<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// The hub's lookups. All of them read from the database, but for those about this node itself.
pub trait Lookups: Send + Sync + 'static {
    /// A person's memberships, and the number of their account from just before they were read.
    fn belongings(&self, user: UserId) -> Lookup<Belongings>;
    /// The changes of a person's account after a number.
    fn account_changes(&self, user: UserId, since: Number) -> Lookup<AccountChanges>;
    /// The changes of a conversation after a number, for its members.
    fn changes(&self, conversation: ConversationId, since: Number) -> Lookup<CaughtUp>;
    /// The heads of these conversations.
    fn heads(&self, conversations: Vec<ConversationId>) -> Lookup<Vec<(ConversationId, Number)>>;
    /// Whether a person's account is active, their role, and which of these sessions are still live.
    fn standing(&self, user: UserId, sessions: Vec<SessionId>) -> Lookup<Standing>;
    /// A conversation as a person sees it; `None` if they are not a member.
    fn listed(&self, user: UserId, conversation: ConversationId) -> Lookup<Option<Listed>>;
    /// The changes of a conversation since a person came into it; `None` if they are not a member.
    fn since_joining(&self, user: UserId, conversation: ConversationId) -> Lookup<Option<CaughtUp>>;
    /// Those of these people, with their usernames, who are members of these conversations.
    fn among(&self, users: Vec<UserId>, places: Vec<ConversationId>) -> Lookup<Vec<(ConversationId, UserId, String)>>;
    /// The subjects of these people at a host application; whoever it does not know is left out.
    fn subjects(&self, issuer: String, users: Vec<UserId>) -> Lookup<HashMap<UserId, String>>;
    /// The epoch of the history that this node knows.
    fn epoch(&self) -> String;
    /// Reports that a head is lower than a number that was committed in the history with this epoch: the database has
    /// come back with less. `what` is for the operator. False if it has not, and the head alone is damaged.
    fn lost(&self, epoch: &str, scope: Scope, what: String) -> Lookup<bool>;
    /// Records that these people have disconnected.
    fn gone(&self, users: Vec<UserId>);
    /// The usage of people's rates here since the last call.
    fn spent(&self) -> Spent;
    /// Deducts the usage of people's rates on another node.
    fn note_spent(&self, spent: Spent);
    /// Sets how many nodes share people's rates without hearing each other; 1 while they do hear each other.
    fn share_rates(&self, nodes: usize);
    /// The present time.
    fn now(&self) -> Millis;
}
