//! Code: looked for before all else, because nothing in it means anything.

use std::{borrow::Cow, ops::Range};

/// Code by its bytes.
pub(super) struct Code {
    /// With its backticks.
    pub(super) whole: Range<usize>,
    /// Without them, and without the line that names the language.
    pub(super) shown: Range<usize>,
    /// Between three backticks.
    pub(super) block: bool,
    /// The name of the language.
    pub(super) language: Range<usize>,
}

const FENCE: &str = "```";

/// All code of a text, in its order.
pub(super) fn all(text: &str) -> Vec<Code> {
    let mut found = Vec::new();
    let last_fence = text.rfind(FENCE);
    let mut at = 0;
    while let Some(tick) = text.get(at..).and_then(|rest| rest.find('`')).map(|tick| at + tick) {
        match code(text, tick, last_fence) {
            Some(code) => {
                at = code.whole.end;
                found.push(code);
            }
            None => at = tick + 1,
        }
    }
    found
}

/// Code that begins with this backtick.
fn code(text: &str, tick: usize, last_fence: Option<usize>) -> Option<Code> {
    let rest = text.get(tick..)?;
    if let Some(body) = rest.strip_prefix(FENCE) {
        let begin = tick + FENCE.len();
        let (name, line) = language_line(body);
        // The line behind the fence names the language, unless it is all there is.
        let begins = [(begin + line, name), (begin, 0)];
        let closed = begins.iter().find_map(|(at, name)| Some((*at, *name, closing(text, *at, last_fence)?)));
        if let Some((at, name, end)) = closed {
            let language = begin..begin + name;
            return Some(Code { whole: tick..end + FENCE.len(), shown: at..end, block: true, language });
        }
    }
    let inside = rest.get(1..)?;
    let end = inside.find(['`', '\n', '\r'])?;
    (end > 0 && inside.get(end..)?.starts_with('`')).then(|| Code {
        whole: tick..tick + end + 2,
        shown: tick + 1..tick + 1 + end,
        block: false,
        language: 0..0,
    })
}

/// How many bytes the language's name takes, and how many its line, with its end; 0 if the first line is no name.
fn language_line(body: &str) -> (usize, usize) {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '#');
    let name = body.find(|c| !is_inside(c)).unwrap_or(body.len());
    let ending =
        ["\r\n", "\n", "\r"].iter().find(|ending| body.get(name..).is_some_and(|rest| rest.starts_with(**ending)));
    ending.map_or((0, 0), |ending| (name, name + ending.len()))
}

/// Where the fence is that closes a block which begins here and is not empty.
fn closing(text: &str, begin: usize, last_fence: Option<usize>) -> Option<usize> {
    let first = begin + text.get(begin..)?.chars().next()?.len_utf8();
    last_fence.filter(|last| *last >= first)?;
    Some(first + text.get(first..)?.find(FENCE)?)
}

/// The shown text of a block. Where the block stands in quotes, or behind blanks or the sign of a list, its lines are
/// without as many `>` and as many blanks, if they have them.
pub(super) fn shown<'a>(text: &'a str, code: &Code, quotes: usize, margin: usize) -> Cow<'a, str> {
    let body = text.get(code.shown.clone()).unwrap_or_default();
    if !code.block || (quotes == 0 && margin == 0) {
        return Cow::Borrowed(body);
    }
    let begins_line = text.get(..code.shown.start).is_some_and(|before| before.ends_with(['\n', '\r']));
    let mut shown = String::with_capacity(body.len());
    let mut rest = body;
    let mut at_begin = begins_line;
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r']).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..end).unwrap_or(rest);
        shown.push_str(if at_begin { bared(line, quotes, margin) } else { line });
        rest = rest.get(end..).unwrap_or_default();
        at_begin = true;
    }
    Cow::Owned(shown)
}

/// A line without so many `>` and blanks.
fn bared(line: &str, quotes: usize, margin: usize) -> &str {
    let mut rest = line;
    for _ in 0..quotes {
        let Some(inner) = rest.strip_prefix('>') else { break };
        rest = inner.strip_prefix([' ', '\t']).unwrap_or(inner);
    }
    for _ in 0..margin {
        let Some(inner) = rest.strip_prefix([' ', '\t']) else { break };
        rest = inner;
    }
    rest
}
