//! Who else must know: committed batches on their way to the listeners.
//!
//! A batch arrives here after its commit, never before. One node hands it to its own listeners
//! ([`local`]); a cluster will publish it to the others from here too, and read the holes of what it
//! hears from them out of the store.

pub mod local;
pub mod probe;

pub use local::{Batch, Stream};
