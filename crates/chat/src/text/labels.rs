//! Links with a text of their own: `[text](https://…)`.

use std::ops::Range;

use super::{blocks::Reader, links, scripts::ends_link};
use crate::names;

/// The longest address of such a link, in characters.
const MOST_ADDRESS: usize = 2048;

/// A link with its text, by its bytes.
pub(super) struct Label {
    pub(super) whole: Range<usize>,
    /// The shown text.
    pub(super) label: Range<usize>,
    /// Where it leads.
    pub(super) address: String,
}

/// The links with a text in a stretch of one line.
pub(super) fn all(reader: &Reader<'_>, range: &Range<usize>) -> Vec<Label> {
    let bytes = reader.text.as_bytes();
    let mut codes = reader.codes_in(range).iter().peekable();
    let (mut found, mut open, mut at) = (Vec::new(), None, range.start);
    while at < range.end {
        while codes.next_if(|code| code.whole.start < at).is_some() {}
        if let Some(code) = codes.next_if(|code| code.whole.start == at) {
            at = code.whole.end;
            open = open.filter(|_| !code.block);
            continue;
        }
        match bytes.get(at) {
            Some(b'[') => open = Some(at),
            Some(b']') => {
                let label = open.take().and_then(|open: usize| closed(reader.text, open, at, range.end));
                if let Some(label) = label {
                    at = label.whole.end;
                    found.push(label);
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The link whose text stands between these brackets, if there is one.
fn closed(text: &str, open: usize, close: usize, end: usize) -> Option<Label> {
    let label = open + 1..close;
    let rest = text.get(close + 1..end)?.strip_prefix('(')?;
    let begin = close + 2;
    let length = address_length(rest)?;
    let address = links::whole(rest.get(..length)?)?;
    is_honest(text, &label, &address).then_some(Label { whole: open..begin + length + 1, label, address })
}

/// How long the address is that the closing parenthesis ends. A bracket opens in it only before an IPv6 address: so no
/// address is read twice, however many there are.
fn address_length(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (count, (at, c)) in rest.char_indices().enumerate() {
        match c {
            _ if count > MOST_ADDRESS || ends_link(c) => return None,
            '[' if !rest.get(..at).is_some_and(|before| before.ends_with("//")) => return None,
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether a text may stand for this address: it can be seen, does not turn the direction of what is beside it, and is
/// not itself a link to somewhere else.
fn is_honest(text: &str, label: &Range<usize>, address: &str) -> bool {
    let shown = text.get(label.clone()).unwrap_or_default();
    if !names::has_visible(shown) || shown.contains(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    {
        return false;
    }
    match links::next(text, label.clone(), label.start) {
        None => !shown.contains("://"),
        Some((place, target)) => {
            target.as_deref() == Some(address) && text.get(place) == Some(shown.trim_matches([' ', '\t']))
        }
    }
}
