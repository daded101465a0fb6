//! The meaning of a message's text: plain text, styles, links, mentions, code, quotes, lists and headings, as
//! `docs/protocol/text.md` says.
//!
//! Every client reads texts by the same grammar; all of them run `docs/protocol/text-vectors.json`. A text is read in
//! three passes, each of which takes a time that grows with its length and no faster: `code` finds what stands between
//! backticks, `blocks` tells lines apart, `inline` reads each of them.

mod blocks;
mod code;
mod inline;
mod labels;
mod links;
mod plain;
mod scripts;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, ops::Range};

use crate::names;
use blocks::Reader;
use scripts::{is_unspaced, is_word};

pub use plain::plain;

/// The meaning of a part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// As it is written.
    Text,
    /// A link. The address that it leads to is as it was written, with the scheme that `www.` and mail addresses lack.
    /// One that has a text of its own has the parts of that text.
    Link(String),
    /// `@name`: the name, as usernames are compared.
    Mention(String),
    /// `#name`: the name, as names of rooms are compared.
    Room(String),
    /// `:name:`: the name, in small letters.
    Emoji(String),
    /// Code between backticks.
    Code {
        /// Between three of them, with its lines.
        block: bool,
        /// The language that a block names, as it was written.
        language: Option<String>,
    },
    /// Between `**`.
    Strong,
    /// Between `*` or `_`.
    Emphasis,
    /// Between `~~`.
    Strike,
    /// A line behind one to three `#`: how many.
    Heading(u8),
    /// Lines behind `>`.
    Quote,
    /// A list. Its parts are items.
    List,
    /// An item of a list: of a numbered one the number that was written.
    Item(Option<u16>),
}

/// A part of a text. The parts of a text follow each other without gaps. In a part that has parts, what lies between
/// those is not shown: markers, signs before lines, ends of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its meaning.
    pub meaning: Meaning,
    /// Its shown text: of code without the backticks, of a link the label. Empty if anything else has parts.
    pub text: Cow<'a, str>,
    /// Where it begins and ends in the whole text, in Unicode scalar values.
    pub place: Range<usize>,
    /// Its parts.
    pub parts: Vec<Part<'a>>,
}

/// A part by its bytes.
struct Found<'a> {
    meaning: Meaning,
    whole: Range<usize>,
    text: Cow<'a, str>,
    parts: Vec<Found<'a>>,
}

/// The parts of a text.
#[must_use]
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut places = Places { text, bytes: 0, scalars: 0 };
    Reader::new(text).read().into_iter().map(|found| places.placed(found)).collect()
}

/// Calls `each` for every part of a text that has a meaning of its own or a text, also for those inside others, in the
/// order in which they begin.
pub fn walk<'p, 'a>(parts: &'p [Part<'a>], each: &mut impl FnMut(&'p Part<'a>)) {
    for part in parts {
        each(part);
        walk(&part.parts, each);
    }
}

/// The names that a text mentions, as usernames are compared, in their order and each once.
#[must_use]
pub fn mentioned(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if text.contains(SIGNS) {
        let mut seen = std::collections::HashSet::new();
        walk(&parts(text), &mut |part| {
            if let Meaning::Mention(name) = &part.meaning
                && seen.insert(name.clone())
            {
                names.push(name.clone());
            }
        });
    }
    names
}

/// Whether a text calls this username, in any case. What stands in code or in a link calls nobody.
#[must_use]
pub fn mentions(text: &str, username: &str) -> bool {
    mentioned(text).contains(&names::compared(username))
}

/// Whether a text may name somebody. It costs less than reading its parts.
#[must_use]
pub fn may_mention(text: &str) -> bool {
    text.contains(SIGNS)
}

/// Whether there may be a link to a page in a text. It costs less than reading its parts.
#[must_use]
pub fn may_link_to_a_page(text: &str) -> bool {
    text.contains("://") || text.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"www."))
}

/// The sign before a name, and its full-width form.
const SIGNS: [char; 2] = ['@', '\u{ff20}'];
/// The sign before a room's name, and its full-width form.
const ROOM_SIGNS: [char; 2] = ['#', '\u{ff03}'];

/// `mail@ann` and `@@ann` mention nobody.
fn is_before_no_mention(c: char) -> bool {
    (is_word(c) && !is_unspaced(c)) || SIGNS.contains(&c) || matches!(c, '.' | '/' | '+' | '-')
}

/// `C#x`, `a/#b` and `&#39` name no room.
fn is_before_no_room(c: char) -> bool {
    (is_word(c) && !is_unspaced(c)) || ROOM_SIGNS.contains(&c) || matches!(c, '.' | '/' | '+' | '-' | '&')
}

/// The username that a text begins with. It ends where a script without spaces goes on.
fn name_at(rest: &str) -> &str {
    let inside = |c: char| (is_word(c) && !is_unspaced(c)) || matches!(c, '.' | '-');
    let begins = rest.chars().next().is_some_and(|c| inside(c) && !matches!(c, '.' | '-') && !scripts::is_mark(c));
    if !begins {
        return "";
    }
    let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().trim_end_matches(['.', '-'])
}

/// The room's name that a text begins with. One in a script with spaces ends where a script without them goes on;
/// numbers alone are no name: `#123` is something else in most places.
fn room_at(rest: &str) -> &str {
    let unspaced = rest.chars().next().is_some_and(is_unspaced);
    let name = if unspaced {
        let end = rest.find(|c| !is_word(c) && !matches!(c, '.' | '-')).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().trim_end_matches(['.', '-'])
    } else {
        name_at(rest)
    };
    let begins = name.chars().next().is_some_and(|c| c != '_' && !scripts::is_mark(c));
    let is_named = name.chars().any(|c| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '_'));
    if begins && is_named { name } else { "" }
}

/// The longest name of an emoji, in bytes.
const EMOJI_NAME: usize = 64;

/// The name of an emoji in a text that begins with its first colon; it ends with the other.
fn emoji_at(rest: &str) -> Option<&str> {
    let name = rest.get(1..)?;
    let is_inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-');
    let end = name.bytes().take(EMOJI_NAME + 1).position(|b| !is_inside(b))?;
    let after = name.get(end..)?.strip_prefix(':')?.chars().next();
    let grown = after.is_some_and(|c| c == ':' || (is_word(c) && !is_unspaced(c)));
    (end > 0 && !grown).then(|| name.get(..end)).flatten()
}

/// Turns bytes into places, which are asked for in their order.
struct Places<'a> {
    text: &'a str,
    bytes: usize,
    scalars: usize,
}

impl Places<'_> {
    fn at(&mut self, byte: usize) -> usize {
        self.scalars += self.text.get(self.bytes..byte).map_or(0, |passed| passed.chars().count());
        self.bytes = byte.max(self.bytes);
        self.scalars
    }

    fn placed<'a>(&mut self, found: Found<'a>) -> Part<'a> {
        let begin = self.at(found.whole.start);
        let parts = found.parts.into_iter().map(|part| self.placed(part)).collect();
        let end = self.at(found.whole.end);
        Part { meaning: found.meaning, text: found.text, place: begin..end, parts }
    }
}
