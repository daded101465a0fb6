//! A conversation that somebody on this node listens to.

use std::sync::Arc;

use chat::{ConnectionId, Number, conversations::Place};
use dialects::Dialect;

use crate::{chunk::Chunk, queue::Listener};

pub(crate) struct Room {
    pub place: Place,
    /// The number of the last event that was told here.
    pub last: Number,
    pub member_count: i64,
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
            last,
            member_count,
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
