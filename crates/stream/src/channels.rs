//! The names of the channels, and the signature of what goes over them.
//!
//! The history's epoch is part of every name: two servers that share one Redis do not hear each other.

use chat::{ConversationId, UserId};
use store::Nudge;

/// Digits of the signature before each word.
const SIGNATURE: usize = 16;

#[derive(Clone, Debug)]
pub(crate) struct Channels {
    prefix: String,
    node: i64,
}

/// What came over a channel from another node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Of(ConversationId, &'a str),
    Nudge(Nudge),
    People(i64, &'a str),
}

impl Channels {
    pub(crate) fn new(epoch: &str, node: i64) -> Self {
        let name: String = epoch.chars().take(16).collect();
        Self { prefix: format!("palabre:{name}:"), node }
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

    /// Words with the name of this node before them.
    pub(crate) fn signed(&self, words: &[u8]) -> Vec<u8> {
        let mut signed = format!("{:0width$x}", self.node, width = SIGNATURE).into_bytes();
        signed.extend_from_slice(words);
        signed
    }

    pub(crate) fn nudge(&self, nudge: Nudge) -> Vec<u8> {
        let (what, user, conversation) = nudge.parts();
        let id = |id: Option<i64>| id.unwrap_or_default();
        self.signed(format!("{what} {} {}", id(user.map(|u| u.0)), id(conversation.map(|c| c.0))).as_bytes())
    }

    /// What another node has said; nothing if it was this one, or nobody that is known.
    pub(crate) fn read<'a>(&self, channel: &str, words: &'a [u8]) -> Option<Said<'a>> {
        let words = std::str::from_utf8(words).ok()?;
        let (signature, words) = words.split_at_checked(SIGNATURE)?;
        let node = i64::from_str_radix(signature, 16).ok()?;
        if node == self.node {
            return None;
        }
        match channel.strip_prefix(&self.prefix)? {
            "nudges" => {
                let mut parts = words.split(' ');
                let what = parts.next()?;
                let mut id = || parts.next().and_then(|id| id.parse::<i64>().ok()).filter(|id| *id != 0);
                Nudge::from_parts(what, id().map(UserId), id().map(ConversationId)).map(Said::Nudge)
            }
            "people" => Some(Said::People(node, words)),
            of => Some(Said::Of(ConversationId(of.strip_prefix("c:")?.parse().ok()?), words)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_hear_each_other_and_not_themselves() {
        let (one, other, foreign) =
            (Channels::new("abc", 1), Channels::new("abc", 0x1f_ffff_ffff_ffff), Channels::new("xyz", 3));
        let words = one.signed(b"[1]");
        let channel = one.of(ConversationId(12));
        assert_eq!(other.read(&channel, &words), Some(Said::Of(ConversationId(12), "[1]")));
        assert_eq!(one.read(&channel, &words), None);
        assert_eq!(foreign.read(&channel, &words), None);
        assert_eq!(one.read(&one.people(), &other.signed(b"{}")), Some(Said::People(0x1f_ffff_ffff_ffff, "{}")));
        for nudge in [
            Nudge::Standing(UserId(7)),
            Nudge::Belonging(UserId(7), ConversationId(8)),
            Nudge::Hidden(UserId(7), ConversationId(8)),
            Nudge::Profile(UserId(7)),
            Nudge::Mute,
        ] {
            assert_eq!(one.read(&one.nudges(), &other.nudge(nudge)), Some(Said::Nudge(nudge)));
        }
        for (channel, words) in [
            ("palabre:abc:c:x", &words[..]),
            ("palabre:abc:c:1", b"short"),
            ("c:1", &words),
            ("palabre:abc:nudges", b"0000000000000009dance 1 2"),
        ] {
            assert_eq!(other.read(channel, words), None, "{channel}");
        }
    }
}
