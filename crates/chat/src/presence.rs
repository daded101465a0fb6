//! Presence: published to those who share a conversation, and never stored (except "last seen").

use crate::{Millis, people::NamesPeople};

/// A person's presence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, NamesPeople)]
pub enum Presence {
    /// Connected and active.
    Online,
    /// Connected, but inactive.
    Away,
    /// Connected, and asks not to be disturbed.
    Busy,
    /// Connected, but shown to others as offline.
    Invisible,
    /// Not connected.
    #[default]
    Offline,
}

impl Presence {
    /// All values; only the first four can be chosen.
    pub const ALL: [Self; 5] = [Self::Online, Self::Away, Self::Busy, Self::Invisible, Self::Offline];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Invisible => "invisible",
            Self::Offline => "offline",
        }
    }

    /// The presence of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// The presence that others see: an invisible person looks offline.
    #[must_use]
    pub fn shown(self) -> Self {
        if self == Self::Invisible { Self::Offline } else { self }
    }
}

/// A person's presence as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub struct Seen {
    /// The presence.
    pub presence: Presence,
    /// When they were last connected; absent while they are, and for invisible people.
    pub last_seen_at: Option<Millis>,
}
