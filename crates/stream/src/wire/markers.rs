//! The written form between nodes of a member's markers.

use chat::{Millis, Number, UserId, event::Audience, markers::Markers};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct MarkerForm {
    pub(super) user: i64,
    read: i64,
    delivered: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    /// Whether only the markers' owner is to be sent them.
    #[serde(default)]
    pub(super) own: bool,
}

pub(super) fn marker_form(to: Audience, markers: &Markers) -> MarkerForm {
    MarkerForm {
        user: markers.user.0,
        read: markers.read_seq.0,
        delivered: markers.delivered_seq.0,
        at: markers.read_at.map(|at| at.0),
        own: matches!(to, Audience::User(_)),
    }
}

pub(super) fn markers(form: &MarkerForm) -> Markers {
    Markers {
        user: UserId(form.user),
        read_seq: Number(form.read),
        delivered_seq: Number(form.delivered),
        read_at: form.at.map(Millis),
    }
}
