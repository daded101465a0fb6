//! Committed batches on their way to the subscribers of every node.
//!
//! A batch arrives here after its commit, never before. It goes to this node's own subscribers directly ([`local`]),
//! and through the `publisher` to Redis, where the `receiver` of every other node gets it. Redis only makes delivery
//! fast: it may lose, repeat or delay messages, or be away. [`gaps`] decides which numbers a subscriber is sent, and
//! when missing ones must be read from the database. Changes that connections must obey go through the database as well
//! (`invalidations`).

mod channels;
pub mod gaps;
mod interest;
mod invalidations;
mod line;
pub mod local;
pub mod people;
pub mod probe;
mod publisher;
mod receiver;
mod seal;
pub mod wire;

use std::{future::Future, pin::Pin, sync::Arc};

use chat::{ConversationId, Millis, Result};
use store::{Invalidation, invalidations::Kept};

pub use gaps::Gaps;
pub use line::Address;
pub use local::{Batch, Handle, Others, Stream};
pub use people::People;
pub use seal::{Secrets, fingerprint};

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// Writes to the database that this node cannot publish.
pub type Mute = Arc<dyn Fn() -> Later<()> + Send + Sync>;
/// Reads the invalidations after a place from the database, at most so many.
pub type Look = Box<dyn Fn(i64, i64) -> Later<Result<Looked>> + Send + Sync>;
/// The time that all nodes share.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The result of reading invalidations.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// The invalidations, oldest first.
    pub kept: Vec<Kept>,
    /// The place of the newest invalidation in the table; 0 if there is none.
    pub newest: i64,
    /// The name under which this node writes its own invalidations.
    pub own: i64,
    /// The epoch of the history that this node knew at that time.
    pub epoch: String,
}

/// An item that this node receives.
pub enum Heard {
    /// A batch that this node has committed.
    Committed(Batch),
    /// Words of another node for the subscribers of a conversation.
    Said(ConversationId, Vec<wire::Heard>),
    /// An invalidation: whom or what to recheck.
    Invalidation(Invalidation),
    /// The node is now subscribed to these conversations; events that were published before may have been missed.
    Listening(Vec<ConversationId>),
    /// Anything may have been missed.
    Missed,
    /// Invalidations may have been deleted before this node read them: nothing that it knows can be relied on.
    Lost,
    /// A node's statement about its people.
    People(i64, People),
}

/// How well this node receives what other nodes publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// There are no other nodes.
    Alone,
    /// Redis brings it.
    Good,
    /// Redis does not bring it: their changes must be looked for in the database.
    Poor,
}
