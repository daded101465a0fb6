//! The stream of a single node: the writer's batches, in memory, in the order of their commits.

use chat::Told;
use tokio::sync::mpsc;

/// Batches that may wait for the listeners; then the writer waits.
const QUEUE: usize = 64;

/// An answer that is due at the same moment at which listeners are told.
type Answer = Box<dyn FnOnce() + Send>;

/// What was committed together.
pub struct Batch {
    /// What to tell, in order.
    pub told: Vec<Told>,
    /// The answers to those who asked for the changes.
    pub answers: Vec<Answer>,
}

/// The batches of this node.
pub struct Stream {
    committed: mpsc::Receiver<(Vec<Told>, Vec<Answer>)>,
}

impl Stream {
    /// A stream, and the outlet that the writer is to be given.
    #[must_use]
    pub fn new() -> (Self, store::writer::Outlet) {
        let (outlet, committed) = mpsc::channel(QUEUE);
        (Self { committed }, outlet)
    }

    /// The next batch; nothing once the writer has ended and all was handed over.
    pub async fn next(&mut self) -> Option<Batch> {
        let (told, answers) = self.committed.recv().await?;
        Some(Batch { told, answers })
    }
}
