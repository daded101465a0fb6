//! The names of the channels, and what is said on each.
//!
//! The history's epoch is part of every name: two servers that share one Redis do not hear each other. The names are
//! all that Redis can read: which history, and the ids of conversations.

use chat::{ConversationId, Number, UserId};
use store::Invalidation;

#[derive(Clone, Debug)]
pub(crate) struct Channels {
    prefix: String,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Conversation(ConversationId),
    Invalidations,
    People,
}

impl Channels {
    pub(crate) fn new(epoch: &str) -> Self {
        let name: String = epoch.chars().take(16).collect();
        Self { prefix: format!("palabre:{name}:") }
    }

    pub(crate) fn of(&self, conversation: ConversationId) -> String {
        format!("{}c:{conversation}", self.prefix)
    }

    pub(crate) fn invalidations(&self) -> String {
        format!("{}nudges", self.prefix)
    }

    pub(crate) fn people(&self) -> String {
        format!("{}people", self.prefix)
    }

    /// What this channel is for; nothing if it is none of these.
    pub(crate) fn about(&self, channel: &str) -> Option<About> {
        Some(match channel.strip_prefix(&self.prefix)? {
            "nudges" => About::Invalidations,
            "people" => About::People,
            of => About::Conversation(ConversationId(of.strip_prefix("c:")?.parse().ok()?)),
        })
    }
}

/// An invalidation, as it is written.
pub(crate) fn write_invalidation(invalidation: Invalidation) -> String {
    let (what, user, number) = invalidation.parts();
    let or_none = |value: Option<i64>| value.unwrap_or_default();
    format!("{what} {} {}", or_none(user.map(|user| user.0)), or_none(number.map(|number| number.0)))
}

/// Reads what [`write_invalidation`] has written.
pub(crate) fn read_invalidation(words: &str) -> Option<Invalidation> {
    let mut parts = words.split(' ');
    let what = parts.next()?;
    let mut next = || parts.next().and_then(|part| part.parse::<i64>().ok()).filter(|value| *value != 0);
    Invalidation::from_parts(what, next().map(UserId), next().map(Number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_have_channels_of_their_own() {
        let (here, foreign) = (Channels::new("abc"), Channels::new("xyz"));
        for (channel, about) in [
            (here.of(ConversationId(12)), About::Conversation(ConversationId(12))),
            (here.invalidations(), About::Invalidations),
            (here.people(), About::People),
        ] {
            assert_eq!((here.about(&channel), foreign.about(&channel)), (Some(about), None));
        }
        for channel in ["palabre:abc:c:x", "c:1", "palabre:abc:", ""] {
            assert_eq!(here.about(channel), None, "{channel}");
        }
    }

    #[test]
    fn invalidations_are_read_as_they_were_written() {
        for invalidation in
            [Invalidation::Standing(UserId(7)), Invalidation::Account(UserId(7), Number(8)), Invalidation::Mute]
        {
            assert_eq!(read_invalidation(&write_invalidation(invalidation)), Some(invalidation));
        }
        assert_eq!(read_invalidation("dance 1 2"), None);
    }
}
