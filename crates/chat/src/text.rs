//! What a message's text means: plain text, links, mentions and code, as `docs/protocol/text.md` says.
//!
//! Every client reads texts by the same grammar; all of them run `docs/protocol/text-vectors.json`.

mod links;
mod scripts;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::names;
use scripts::{is_unspaced, is_word};

/// What a part of a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// As it is written.
    Text,
    /// A link. The address that it leads to is as it was written, with the scheme that `www.` and mail addresses lack.
    Link(String),
    /// `@name`: the name, as usernames are compared.
    Mention(String),
    /// What stands between backticks.
    Code {
        /// Between three of them, with its lines.
        block: bool,
    },
}

/// A part of a text. The parts of a text follow each other without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// What it is.
    pub meaning: Meaning,
    /// What is shown of it: of code without the backticks.
    pub text: &'a str,
    /// Where it begins and ends in the whole text, in Unicode scalar values.
    pub place: Range<usize>,
}

/// A part by its bytes: all that belongs to it, and what is shown of it.
struct Found {
    meaning: Meaning,
    whole: Range<usize>,
    shown: Range<usize>,
}

/// The parts of a text.
#[must_use]
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut done = 0;
    let last_fence = text.rfind(FENCE);
    let mut at = 0;
    while let Some(tick) = text.get(at..).and_then(|rest| rest.find('`')).map(|tick| at + tick) {
        match code(text, tick, last_fence) {
            Some(code) => {
                plain(text, done..tick, &mut found);
                done = code.whole.end;
                at = done;
                found.push(code);
            }
            None => at = tick + 1,
        }
    }
    plain(text, done..text.len(), &mut found);
    placed(text, found)
}

/// Whether a text calls this username, in any case. What stands in code or in a link calls nobody.
#[must_use]
pub fn mentions(text: &str, username: &str) -> bool {
    let wanted = names::compared(username);
    text.contains(SIGNS)
        && parts(text).iter().any(|part| matches!(&part.meaning, Meaning::Mention(name) if *name == wanted))
}

/// Whether a text may name somebody. It costs less than reading its parts.
#[must_use]
pub fn may_mention(text: &str) -> bool {
    text.contains(SIGNS)
}

/// The sign before a name, and its full-width form.
const SIGNS: [char; 2] = ['@', '\u{ff20}'];
const FENCE: &str = "```";

/// Code that begins with this backtick.
fn code(text: &str, tick: usize, last_fence: Option<usize>) -> Option<Found> {
    let rest = text.get(tick..)?;
    if let Some(body) = rest.strip_prefix(FENCE) {
        let begin = tick + FENCE.len();
        // The line behind the fence names the language, unless it is all there is.
        let begins = [begin + language_line(body), begin];
        let closed = begins.iter().find_map(|begin| Some((*begin, closing(text, *begin, last_fence)?)));
        if let Some((begin, end)) = closed {
            return Some(Found {
                meaning: Meaning::Code { block: true },
                whole: tick..end + FENCE.len(),
                shown: begin..end,
            });
        }
    }
    let inside = rest.get(1..)?;
    let end = inside.find(['`', '\n', '\r'])?;
    (end > 0 && inside.get(end..)?.starts_with('`')).then(|| Found {
        meaning: Meaning::Code { block: false },
        whole: tick..tick + end + 2,
        shown: tick + 1..tick + 1 + end,
    })
}

/// How many bytes the line with the language's name takes, its end included; 0 if the first line is no name.
fn language_line(body: &str) -> usize {
    let name = body.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-'))).unwrap_or(body.len());
    let ending =
        ["\r\n", "\n", "\r"].iter().find(|ending| body.get(name..).is_some_and(|rest| rest.starts_with(**ending)));
    ending.map_or(0, |ending| name + ending.len())
}

/// Where the fence is that closes a block which begins here and is not empty.
fn closing(text: &str, begin: usize, last_fence: Option<usize>) -> Option<usize> {
    let first = begin + text.get(begin..)?.chars().next()?.len_utf8();
    last_fence.filter(|last| *last >= first)?;
    Some(first + text.get(first..)?.find(FENCE)?)
}

/// What stands outside code.
fn plain(text: &str, range: Range<usize>, found: &mut Vec<Found>) {
    let mut done = range.start;
    while let Some((whole, target)) = links::next(text, range.clone(), done) {
        mentioning(text, done..whole.start, found);
        done = whole.end;
        // What looks like a link and may be none is left as it is, with all that is in it.
        let meaning = target.map_or(Meaning::Text, Meaning::Link);
        found.push(Found { meaning, shown: whole.clone(), whole });
    }
    mentioning(text, done..range.end, found);
}

/// What stands outside code and links.
fn mentioning(text: &str, range: Range<usize>, found: &mut Vec<Found>) {
    let mut done = range.start;
    let mut at = range.start;
    while let Some(sign) = text.get(at..range.end).and_then(|rest| rest.find(SIGNS)).map(|sign| at + sign) {
        let before = text.get(range.start..sign).and_then(|before| before.chars().next_back());
        let sign_end = sign + text.get(sign..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        let name = text.get(sign_end..range.end).map_or("", name_at);
        at = sign_end;
        if name.is_empty() || before.is_some_and(is_before_no_mention) {
            continue;
        }
        literal(done..sign, found);
        let whole = sign..sign_end + name.len();
        done = whole.end;
        at = done;
        found.push(Found { meaning: Meaning::Mention(names::compared(name)), shown: whole.clone(), whole });
    }
    literal(done..range.end, found);
}

/// `mail@ann` and `@@ann` mention nobody.
fn is_before_no_mention(c: char) -> bool {
    (is_word(c) && !is_unspaced(c)) || SIGNS.contains(&c) || matches!(c, '.' | '/' | '+' | '-')
}

/// The name that a text begins with. It ends where a script without spaces goes on.
fn name_at(rest: &str) -> &str {
    let inside = |c: char| (is_word(c) && !is_unspaced(c)) || matches!(c, '.' | '-');
    let begins = rest.chars().next().is_some_and(|c| inside(c) && !matches!(c, '.' | '-') && !scripts::is_mark(c));
    if !begins {
        return "";
    }
    let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().trim_end_matches(['.', '-'])
}

fn literal(range: Range<usize>, found: &mut Vec<Found>) {
    if !range.is_empty() {
        found.push(Found { meaning: Meaning::Text, shown: range.clone(), whole: range });
    }
}

/// Neighbouring texts become one, and bytes become places.
fn placed(text: &str, found: Vec<Found>) -> Vec<Part<'_>> {
    let mut merged: Vec<Found> = Vec::with_capacity(found.len());
    for part in found {
        match merged.last_mut() {
            Some(last) if last.meaning == Meaning::Text && part.meaning == Meaning::Text => {
                last.whole.end = part.whole.end;
                last.shown.end = part.shown.end;
            }
            _ => merged.push(part),
        }
    }
    let mut begin = 0;
    let place = |part: Found| {
        let end = begin + text.get(part.whole).map_or(0, |whole| whole.chars().count());
        let place = begin..end;
        begin = end;
        Part { meaning: part.meaning, text: text.get(part.shown).unwrap_or_default(), place }
    };
    merged.into_iter().map(place).collect()
}
