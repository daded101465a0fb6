//! Who hears it.
//!
//! The [`hub`] knows who listens to which conversation. A committed batch is encoded once for each
//! dialect present, the same bytes go into each listener's bounded [`queue`], and each listener is
//! woken once. Only members listen, so nobody hears what they may not read. [`presence`] and
//! [`typing`] are told here and never stored.

pub mod frame;
pub mod goodbye;
pub mod hub;
pub mod lookups;
pub mod numbers;
mod orders;
mod pace;
pub mod presence;
mod queue;
mod tuning;

mod chunk;
mod room;
pub mod typing;

pub use goodbye::Goodbye;
pub use hub::{Attached, Hub};
pub use lookups::{Lookup, Lookups};
pub use numbers::Numbers;
pub use presence::{Book, Whose};
pub use queue::{Listener, Outbox};
pub use tuning::Tuning;
