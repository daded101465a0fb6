//! Delivers committed changes and ephemeral events to the connections of this node.
//!
//! The [`hub`] knows which connection listens to which conversation. A committed batch is encoded once for each dialect
//! present, the same bytes go into each subscriber's bounded [`queue`], and each subscriber is woken once. Only members
//! listen, so nobody receives what they may not read. [`presence`] and [`typing`] are published here and never stored.

pub mod close_reason;
pub mod frame;
pub mod hub;
pub mod lookups;
pub mod numbers;
mod pace;
pub mod presence;
mod queue;
mod revocations;
mod tuning;
mod turnover;

mod audience;
mod channel;
mod chunk;
pub mod typing;

pub use close_reason::CloseReason;
pub use hub::{Attached, Hub};
pub use lookups::{Lookup, Lookups};
pub use numbers::Numbers;
pub use presence::{Book, Whose};
pub use queue::{Outbox, Subscriber};
pub use tuning::Tuning;
