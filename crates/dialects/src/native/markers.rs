//! How far members have read and received, as it is shown.

use chat::markers;
use serde::Serialize;
use utoipa::ToSchema;

use super::fields;
use crate::time::Time;

/// A member's markers.
#[derive(Serialize, ToSchema)]
pub struct Marker {
    /// Whose.
    user: i64,
    /// Everything up to here was read.
    read_seq: i64,
    /// Everything up to here reached one of the member's devices.
    delivered_seq: i64,
    /// When the read marker last moved.
    #[schema(value_type = Option<fields::Moment>)]
    read_at: Option<Time>,
}

impl From<&markers::Markers> for Marker {
    fn from(markers: &markers::Markers) -> Self {
        Self {
            user: markers.user.0,
            read_seq: markers.read_seq.0,
            delivered_seq: markers.delivered_seq.0,
            read_at: markers.read_at.map(Time),
        }
    }
}

/// The markers of a conversation's members.
#[derive(Serialize, ToSchema)]
pub struct Markers {
    /// One for each member who has any.
    pub(crate) markers: Vec<Marker>,
}
