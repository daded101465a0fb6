//! Presence and typing: told to those who share a conversation, never stored (but for "last seen").

use crate::Millis;

/// Whether a person is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Connected and active.
    Online,
    /// Connected, but not looking.
    Away,
    /// Connected, and does not want to be disturbed.
    Busy,
    /// Connected, and shown to others as offline.
    Invisible,
    /// Not connected.
    #[default]
    Offline,
}

impl Presence {
    /// All, as they may be shown; only the first four can be chosen.
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

    /// What others are shown: an invisible person looks offline.
    #[must_use]
    pub fn shown(self) -> Self {
        if self == Self::Invisible { Self::Offline } else { self }
    }
}

/// A person's presence as it is shown to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Here or not.
    pub presence: Presence,
    /// When they were last here; absent while they are, and for the invisible.
    pub last_seen_at: Option<Millis>,
}
