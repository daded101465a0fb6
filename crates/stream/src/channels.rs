//! The names of the channels, and what is said on each.
//!
//! The history's epoch is part of every name: two servers that share one Redis do not hear each other. The names are
//! all that Redis can read: which history, and the ids of conversations.

use chat::{ConversationId, Number, UserId};
use store::Nudge;

#[derive(Clone, Debug)]
pub(crate) struct Channels {
    prefix: String,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Conversation(ConversationId),
    Nudges,
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

    pub(crate) fn nudges(&self) -> String {
        format!("{}nudges", self.prefix)
    }

    pub(crate) fn people(&self) -> String {
        format!("{}people", self.prefix)
    }

    /// What this channel is for; nothing if it is none of these.
    pub(crate) fn about(&self, channel: &str) -> Option<About> {
        Some(match channel.strip_prefix(&self.prefix)? {
            "nudges" => About::Nudges,
            "people" => About::People,
            of => About::Conversation(ConversationId(of.strip_prefix("c:")?.parse().ok()?)),
        })
    }
}

/// A nudge, as it is written.
pub(crate) fn write_nudge(nudge: Nudge) -> String {
    let (what, user, number) = nudge.parts();
    let or_none = |value: Option<i64>| value.unwrap_or_default();
    format!("{what} {} {}", or_none(user.map(|user| user.0)), or_none(number.map(|number| number.0)))
}

/// Reads what [`write_nudge`] has written.
pub(crate) fn read_nudge(words: &str) -> Option<Nudge> {
    let mut parts = words.split(' ');
    let what = parts.next()?;
    let mut next = || parts.next().and_then(|part| part.parse::<i64>().ok()).filter(|value| *value != 0);
    Nudge::from_parts(what, next().map(UserId), next().map(Number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_have_channels_of_their_own() {
        let (here, foreign) = (Channels::new("abc"), Channels::new("xyz"));
        for (channel, about) in [
            (here.of(ConversationId(12)), About::Conversation(ConversationId(12))),
            (here.nudges(), About::Nudges),
            (here.people(), About::People),
        ] {
            assert_eq!((here.about(&channel), foreign.about(&channel)), (Some(about), None));
        }
        for channel in ["palabre:abc:c:x", "c:1", "palabre:abc:", ""] {
            assert_eq!(here.about(channel), None, "{channel}");
        }
    }

    #[test]
    fn nudges_are_read_as_they_were_written() {
        for nudge in [Nudge::Standing(UserId(7)), Nudge::Account(UserId(7), Number(8)), Nudge::Mute] {
            assert_eq!(read_nudge(&write_nudge(nudge)), Some(nudge));
        }
        assert_eq!(read_nudge("dance 1 2"), None);
    }
}
