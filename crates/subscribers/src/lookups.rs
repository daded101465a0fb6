//! What the hub asks of others.

use std::{collections::HashMap, future::Future, pin::Pin};

use chat::{
    ConversationId, Millis, Number, Result, SessionId, UserId,
    conversations::Listed,
    rates::Spent,
    reply::{AccountChanges, CaughtUp},
    sessions::Standing,
};
use store::members::Belongings;

/// An answer that comes later.
pub type Lookup<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// What the hub asks of others. All of it is read fresh from the database.
pub trait Lookups: Send + Sync + 'static {
    /// What a person belongs to, and a number of their account of before.
    fn belongings(&self, user: UserId) -> Lookup<Belongings>;
    /// What takes a person's connections from a number of their account to the present.
    fn account_changes(&self, user: UserId, since: Number) -> Lookup<AccountChanges>;
    /// What takes the members of a conversation from a number to the present.
    fn changes(&self, conversation: ConversationId, since: Number) -> Lookup<CaughtUp>;
    /// The heads of these conversations.
    fn heads(&self, conversations: Vec<ConversationId>) -> Lookup<Vec<(ConversationId, Number)>>;
    /// What is still true of a person and of these sessions of theirs.
    fn standing(&self, user: UserId, sessions: Vec<SessionId>) -> Lookup<Standing>;
    /// A conversation as a person sees it; nothing if they do not belong to it.
    fn listed(&self, user: UserId, conversation: ConversationId) -> Lookup<Option<Listed>>;
    /// Which of these people, with their names, belong to which of these conversations.
    fn among(&self, users: Vec<UserId>, places: Vec<ConversationId>) -> Lookup<Vec<(ConversationId, UserId, String)>>;
    /// What a host application calls these people; whoever it does not know is left out.
    fn subjects(&self, issuer: String, users: Vec<UserId>) -> Lookup<HashMap<UserId, String>>;
    /// The epoch of the history that this node knows.
    fn epoch(&self) -> String;
    /// Something is gone that was seen committed in the history with this epoch: the database has come back with less.
    /// In words for the operator.
    fn lost(&self, epoch: &str, what: String);
    /// Notes that these people have gone.
    fn gone(&self, users: Vec<UserId>);
    /// What people have used up here since this was last asked.
    fn spent(&self) -> Spent;
    /// Notes what people have used up of their rates on another node.
    fn note_spent(&self, spent: Spent);
    /// Notes how many nodes share people's rates without hearing of each other; 1 while they do.
    fn share_rates(&self, nodes: usize);
    /// The time.
    fn now(&self) -> Millis;
}
