//! Markers: how far a member has read, and how far messages have reached them. Markers are not
//! numbered; they are read fresh and only ever move forward.

use crate::{Millis, Number, UserId};

/// A member's markers in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Markers {
    /// Whose.
    pub user: UserId,
    /// Everything up to here was read.
    pub read_seq: Number,
    /// Everything up to here reached one of the member's devices.
    pub delivered_seq: Number,
    /// When the read marker last moved.
    pub read_at: Option<Millis>,
}

/// Which marker to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Marker {
    /// Read by the person; implies delivered.
    Read,
    /// Delivered to a device.
    Delivered,
}
