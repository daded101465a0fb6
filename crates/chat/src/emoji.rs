//! Custom emoji: pictures with a name, which everybody on the server may write as `:name:` and react with. They are kept by
//! the server's moderators and administrators.

use crate::{FileId, Millis, Number, UserId, people::NamesPeople};

/// How many characters a name may have.
pub const NAME: std::ops::RangeInclusive<usize> = 2..=32;

/// A custom emoji.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Emoji {
    /// Its name, which no other has and no standard emoji.
    pub name: String,
    /// Its picture.
    pub picture: FileId,
    /// Who has added it.
    pub added_by: UserId,
    /// When it was added.
    pub created_at: Millis,
}

/// All custom emoji of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct EmojiList {
    /// The number of the last change of any of them.
    pub rev: Number,
    /// The emoji by name; absent if the asker knows this number already.
    pub emoji: Option<Vec<Emoji>>,
}

/// Whether an emoji can have this name: `a-z`, `0-9` and `_`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    NAME.contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The name in a reaction that is a custom emoji: `:name:`.
#[must_use]
pub fn named(reaction: &str) -> Option<&str> {
    reaction.strip_prefix(':')?.strip_suffix(':').filter(|name| is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_names_an_emoji_between_colons_and_in_no_other_way() {
        assert_eq!(named(":party_parrot:"), Some("party_parrot"));
        assert_eq!(named(&format!(":{}:", "a".repeat(32))), Some("a".repeat(32).as_str()));
        let long = format!(":{}:", "a".repeat(33));
        for other in
            ["", ":", "::", ":a:", "parrot", ":parrot", "parrot:", ":Parrot:", ":par rot:", ":pär:", "👍", &long]
        {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
