//! Markers: how far a member has read, and how far messages have been delivered to them. Markers have no numbers of
//! their own; they only move forward, and their present state can be read.

use crate::{Millis, Number, UserId, people::NamesPeople};

/// A member's markers in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub struct Markers {
    /// The member.
    pub user: UserId,
    /// The number up to which everything was read.
    pub read_seq: Number,
    /// The number up to which everything was delivered to one of the member's devices.
    pub delivered_seq: Number,
    /// When the read marker last moved.
    pub read_at: Option<Millis>,
}

/// The kind of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NamesPeople)]
pub enum Marker {
    /// Read by the person; implies delivered.
    Read,
    /// Delivered to a device.
    Delivered,
}
