//! A conversation that somebody on this node listens to.

use std::sync::Arc;

use chat::{ConnectionId, Notice, Number, Told, conversations::Place};
use dialects::Dialect;
use stream::Gaps;

use crate::{chunk::Chunk, queue::Listener};

/// An event that waits for its turn: its batch, its place in it, and whether another node told it.
pub(crate) type Waiting = (Arc<Vec<Told>>, usize, bool);

pub(crate) struct Room {
    pub place: Place,
    /// Which numbers were told here, and what waits for its turn.
    pub gaps: Gaps<Waiting>,
    pub member_count: i64,
    /// Notices that are due after a number which was not told yet.
    pub later: Vec<(Number, Notice)>,
    pub listeners: Vec<Arc<Listener>>,
    /// How many listeners speak each dialect.
    pub listening: [u32; Dialect::ALL.len()],
    /// What this batch says here, not handed out yet.
    pub chunk: Chunk,
}

impl Room {
    pub(crate) fn new(place: Place, last: Number, member_count: i64) -> Self {
        Self {
            place,
            gaps: Gaps::new(last),
            member_count,
            later: Vec::new(),
            listeners: Vec::new(),
            listening: Default::default(),
            chunk: Chunk::default(),
        }
    }

    pub(crate) fn add(&mut self, listener: Arc<Listener>) {
        if self.listeners.iter().all(|known| known.id != listener.id) {
            self.listening[listener.dialect as usize] += 1;
            self.listeners.push(listener);
        }
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) {
        if let Some(at) = self.listeners.iter().position(|listener| listener.id == id) {
            let listener = self.listeners.swap_remove(at);
            self.listening[listener.dialect as usize] -= 1;
        }
    }

    /// Hands out what this batch says here; tells to how many listeners.
    pub(crate) fn flush(&mut self) -> u64 {
        if self.chunk.is_empty() { 0 } else { std::mem::take(&mut self.chunk).hand_out(&self.listeners) }
    }
}
