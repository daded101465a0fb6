//! Who else must know: committed batches on their way to the subscribers of every node.
//!
//! A batch arrives here after its commit, never before. This node's own goes to its subscribers as it is ([`local`]),
//! and by the `publisher` to Redis, where the `receiver` of every other node hears it. Redis is a doorbell only: it may lose,
//! double or delay what it is given, be killed or be away. What numbers a subscriber hears, and when the database has to
//! be read for those that did not come, [`gaps`] decides. What must be obeyed goes through the database as well
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
/// Says in the database that this node cannot tell others.
pub type Mute = Arc<dyn Fn() -> Later<()> + Send + Sync>;
/// Looks into the database for invalidations after a place, at most so many.
pub type Look = Box<dyn Fn(i64, i64) -> Later<Result<Looked>> + Send + Sync>;
/// Tells the time, as all nodes have it.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What a look into the database has shown.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// The invalidations, oldest first.
    pub kept: Vec<Kept>,
    /// The place of the newest of all; 0 if there is none.
    pub newest: i64,
    /// Which node's are this one's own.
    pub own: i64,
    /// The history that this node knew at that time.
    pub epoch: String,
}

/// What this node hears.
pub enum Heard {
    /// What it has committed itself.
    Committed(Batch),
    /// What another node tells the subscribers of a conversation.
    Said(ConversationId, Vec<wire::Heard>),
    /// At whom to look again.
    Invalidation(Invalidation),
    /// What is said of these conversations is heard from now on; what was said before may have been missed.
    Listening(Vec<ConversationId>),
    /// Anything may have been missed.
    Missed,
    /// Invalidations may have been forgotten before they were read: nothing that is known is sure.
    Lost,
    /// What a node tells of its people.
    People(i64, People),
}

/// How well other nodes are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// There are none.
    Alone,
    /// Redis tells what they say.
    Good,
    /// What they do is to be looked for in the database.
    Poor,
}
