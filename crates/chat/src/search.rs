//! Search: what somebody looks for among the messages that they may see, and what was found.
//!
//! `terms` cuts texts, `asked` reads a question, and `matching` decides whether a text is what was asked for. No I/O is
//! done here: the same functions serve the index, the check of what it proposes, and the tests' naive search.

mod asked;
pub mod completing;
pub mod matching;
mod relevance;
pub mod terms;

use std::borrow::Cow;

use crate::{
    MessageId, Millis,
    accounts::Account,
    conversations::{Conversation, Kind},
    files::File,
    messages::Message,
    people::NamesPeople,
    text::{self, Meaning},
};

pub use asked::{SearchBounds, parse};
pub use matching::{Highlight, TextMatch};

/// Letters that the beginning of a word must have to be looked for.
pub const PREFIX: usize = 3;

/// Terms that must stand one after another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Phrase {
    /// The terms, folded; at least one.
    pub terms: Vec<String>,
    /// Whether the last one may be the beginning of a longer one.
    pub prefix: bool,
}

impl Phrase {
    /// The phrase of a text that is looked for; nothing if the text has no term. `prefix`: the last word may go on.
    #[must_use]
    pub fn of(text: &str, prefix: bool) -> Option<Self> {
        let mut terms = terms::terms(text);
        let last = terms.last()?;
        // The text that is found may go on after the last letter: as a pair it is found in any case, alone as the
        // beginning of one.
        let goes_on = last.kind == terms::TermKind::Last;
        let follows_pair = terms
            .len()
            .checked_sub(2)
            .and_then(|at| terms.get(at))
            .is_some_and(|before| before.kind == terms::TermKind::Pair && before.end == last.end);
        if goes_on && follows_pair {
            terms.pop();
            return Some(Self { terms: terms.into_iter().map(|term| term.text).collect(), prefix: false });
        }
        Some(Self { terms: terms.into_iter().map(|term| term.text).collect(), prefix: prefix || goes_on })
    }
}

/// Something that a message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// A link in its text.
    Link,
    /// A reaction.
    Reaction,
    /// A file.
    File,
    /// A picture.
    Image,
}

impl Has {
    /// All that a message may have.
    pub const ALL: [Self; 4] = [Self::Link, Self::File, Self::Image, Self::Reaction];

    /// Its name in a search.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Reaction => "reaction",
            Self::File => "file",
            Self::Image => "image",
        }
    }

    /// The value of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|has| has.name() == name)
    }

    /// Whether the index knows it. Reactions come and go without the index.
    #[must_use]
    pub fn is_indexed(self) -> bool {
        self != Self::Reaction
    }

    /// Whether a message with this text and these files has it, as far as the index knows.
    #[must_use]
    pub fn is_in(self, text: &str, files: &[File]) -> bool {
        match self {
            Self::Link => has_link(text),
            Self::File => !files.is_empty(),
            Self::Image => files.iter().any(|file| file.media_type.starts_with("image/")),
            Self::Reaction => false,
        }
    }
}

/// The searchable text of a message: its text, then the names of its files, each behind a sign that keeps a phrase from
/// reaching into the next name. Places in the text are the same in both.
#[must_use]
pub fn searched<'t>(text: &'t str, files: &[File]) -> Cow<'t, str> {
    if files.is_empty() {
        return Cow::Borrowed(text);
    }
    let names = files.iter().map(|file| format!("\n📎 {}", file.name));
    Cow::Owned(std::iter::once(text.to_owned()).chain(names).collect())
}

/// In which order results come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, NamesPeople)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The most relevant first, of the newest [`RANKED`] hits; then of the next so many.
    Best,
}

/// Hits that are put in order by their relevance together.
pub const RANKED: usize = 1_000;

impl Order {
    /// All orders.
    pub const ALL: [Self; 2] = [Self::Newest, Self::Best];

    /// The order's name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Best => "best",
        }
    }

    /// The order of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.name() == name)
    }
}

/// How relevant a hit is, compared with others of the same search: the greater, the better. Of two alike the newer one
/// is the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, NamesPeople)]
pub struct Rank {
    /// See [`TextMatch::score`].
    pub score: u32,
    /// The message.
    pub message: MessageId,
}

/// Where a page of results ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub struct SearchCursor {
    /// Only messages with lower ids are looked at.
    pub before: MessageId,
    /// By relevance: those that are less relevant than this.
    pub below: Option<Rank>,
}

/// A parsed search. All of its conditions must hold; of several people, places or kinds one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Phrases that must stand in the text.
    pub words: Vec<Phrase>,
    /// Phrases that must not stand in it.
    pub not: Vec<Phrase>,
    /// Who said it: usernames, or `me`.
    pub from: Vec<String>,
    /// Where: the names of rooms, ids of conversations, or `@` and a username for a direct conversation.
    pub within: Vec<String>,
    /// Not before this.
    pub since: Option<Millis>,
    /// Before this.
    pub until: Option<Millis>,
    /// Things that it must have.
    pub has: Vec<Has>,
    /// Whether its text must have been changed.
    pub edited: bool,
    /// Whether it must be of a thread: a reply in one, or the message that one is about.
    pub thread: bool,
    /// In conversations of these kinds; of all if empty.
    pub kinds: Vec<Kind>,
}

impl Search {
    /// Whether there is something by which an index can be asked; without it nothing is found.
    #[must_use]
    pub fn has_anchor(&self) -> bool {
        let names = [&self.from, &self.within];
        !self.words.is_empty()
            || names.iter().any(|names| !names.is_empty())
            || self.has.iter().any(|has| has.is_indexed())
    }

    /// Where in the text of a message that is as it stands now is what was looked for, and how relevant it is; nothing
    /// if it is neither there nor in the names of its files. Who said it, where and when is not looked at: the rows are
    /// read by it.
    #[must_use]
    pub fn matched(&self, message: &Message) -> Option<TextMatch> {
        let text = message.text.as_deref().filter(|_| message.deleted_at.is_none())?;
        let has = |what: &Has| match what {
            Has::Reaction => !message.reactions.is_empty(),
            indexed => indexed.is_in(text, &message.files),
        };
        let of_thread = message.thread.is_some() || message.summary.is_some();
        let is_it =
            self.has.iter().all(has) && (!self.edited || message.edited_at.is_some()) && (!self.thread || of_thread);
        if is_it { matching::matched_in(text, &message.files, &self.words, &self.not) } else { None }
    }
}

/// Whether there is a link to a page in a text, by the grammar of texts: mail addresses are none.
#[must_use]
pub fn has_link(text: &str) -> bool {
    // Most texts have none, and reading the parts of a text takes many times as long as this.
    if !text::may_link_to_a_page(text) {
        return false;
    }
    let is_page = |to: &str| to.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    let mut found = false;
    text::walk(&text::parts(text), &mut |part| found |= matches!(&part.meaning, Meaning::Link(to) if is_page(to)));
    found
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Hit {
    /// The message as it is now.
    pub message: Message,
    /// Where in its text the words stand.
    pub places: Vec<Highlight>,
}

/// A suggestion that could take the place of the end of a search.
#[derive(Clone, PartialEq, Eq, NamesPeople)]
pub struct Suggestion {
    /// The text to write, such as `from:` or `in:"tool shed"`.
    pub text: String,
    /// Its meaning, if it is neither an operator nor a fixed value.
    pub meaning: Option<Meant>,
}

/// Who or what a suggestion names.
#[derive(Clone, PartialEq, Eq, NamesPeople)]
pub enum Meant {
    /// Somebody.
    Person(Box<Account>),
    /// A room of which the speaker is a member.
    Room(Box<Conversation>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_wherever_they_stand() {
        for text in
            ["see https://example.com", "(HTTP://x)", "看www.example.com吧", "- **[the page](https://example.com)**"]
        {
            assert!(has_link(text), "{text}");
        }
        for text in ["", "https://", "www. is short", "a://b", "example.com"] {
            assert!(!has_link(text), "{text}");
        }
    }

    #[test]
    fn a_phrase_is_cut_as_a_text_is() {
        let terms = |text: &str| Phrase::of(text, false).map(|phrase| (phrase.terms.join(" "), phrase.prefix));
        assert_eq!(terms("L'eau"), Some(("l eau".into(), false)));
        assert_eq!(terms("東京"), Some(("東京".into(), false)));
        assert_eq!(terms("東"), Some(("東".into(), true)));
        assert_eq!(terms("東京tower"), Some(("東京 京 tower".into(), false)));
        assert_eq!(terms("tower東"), Some(("tower 東".into(), true)));
        assert_eq!(terms("--"), None);
    }
}
