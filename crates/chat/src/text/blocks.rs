//! Lines: which of them are quoted, which are items of a list, which is a heading.

use std::{borrow::Cow, ops::Range};

use super::{
    Found, Meaning,
    code::{self, Code},
};

/// How deep quotes may stand in each other; what goes deeper is text.
const MOST_QUOTES: usize = 3;
/// How deep lists may stand in each other.
const MOST_LISTS: usize = 3;
/// How far to the right a list may begin, in columns.
const MOST_INDENT: usize = 3;
/// How many columns farther to the right stands what belongs to an item.
const STEP: usize = 2;
/// How many columns a tab counts.
const TAB: usize = 4;

/// A text that is read.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) codes: Vec<Code>,
}

/// A line by its bytes. The lines of a block of code are one with what stands before and behind it.
#[derive(Clone, Copy)]
struct Line {
    /// Behind the signs that were taken away.
    from: usize,
    /// Before its end.
    end: usize,
    /// Behind its end.
    next: usize,
    /// Behind the signs of quotes alone.
    margin: usize,
}

/// The quotes and the margin that a line stands in.
#[derive(Clone, Copy)]
pub(super) struct Within {
    /// In how many quotes.
    pub(super) quotes: usize,
    /// How many characters stand before its content, behind the signs of the quotes.
    pub(super) margin: usize,
}

/// The sign of an item.
struct Sign {
    indent: usize,
    number: Option<u16>,
    /// Where the content begins.
    content: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, codes: code::all(text) }
    }

    /// All parts of the text.
    pub(super) fn read(&self) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        self.blocks(&self.lines(), 0, &mut found);
        found
    }

    fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The code in a stretch of the text.
    pub(super) fn codes_in(&self, range: &Range<usize>) -> &[Code] {
        let begin = self.codes.partition_point(|code| code.whole.start < range.start);
        let end = self.codes.partition_point(|code| code.whole.start < range.end);
        self.codes.get(begin..end).unwrap_or_default()
    }

    fn lines(&self) -> Vec<Line> {
        let bytes = self.text.as_bytes();
        let mut codes = self.codes.iter().map(|code| &code.whole).peekable();
        let (mut lines, mut from, mut at) = (Vec::new(), 0, 0);
        while let Some(byte) = bytes.get(at) {
            if let Some(code) = codes.next_if(|code| code.start == at) {
                at = code.end;
                continue;
            }
            let length = match byte {
                b'\n' => 1,
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
                b'\r' => 1,
                _ => 0,
            };
            if length > 0 {
                lines.push(Line { from, end: at, next: at + length, margin: from });
                from = at + length;
            }
            at += length.max(1);
        }
        if from < self.text.len() {
            lines.push(Line { from, end: self.text.len(), next: self.text.len(), margin: from });
        }
        lines
    }

    /// Reads lines that stand in so many quotes. The end of the last line in a quote is not shown.
    fn blocks(&self, lines: &[Line], quotes: usize, out: &mut Vec<Found<'a>>) {
        let mut at = 0;
        while let Some(rest) = lines.get(at..).filter(|rest| !rest.is_empty()) {
            let quoted: Vec<Line> = if quotes < MOST_QUOTES {
                rest.iter().map_while(|line| self.unquoted(line)).collect()
            } else {
                Vec::new()
            };
            if quoted.iter().any(|line| !self.is_blank(line)) {
                at += quoted.len();
                let mut parts = Vec::new();
                self.blocks(&quoted, quotes + 1, &mut parts);
                out.push(container(Meaning::Quote, span(rest, quoted.len()), parts));
            } else if let Some((list, length)) = self.list(rest, quotes, 1) {
                at += length;
                out.push(list);
            } else {
                // Signs of quotes with nothing behind them are text.
                for line in rest.iter().take(quoted.len().max(1)) {
                    at += 1;
                    let is_shown = quotes == 0 || at < lines.len();
                    match self.heading(line, quotes).filter(|_| quoted.is_empty()) {
                        Some(heading) => out.push(heading),
                        None => self.text_line(line, quotes, is_shown, out),
                    }
                }
            }
        }
    }

    fn is_blank(&self, line: &Line) -> bool {
        self.slice(line.from..line.end).trim().is_empty()
    }

    /// A quoted line without its sign: `>` before a blank, before the end, or before another sign.
    fn unquoted(&self, line: &Line) -> Option<Line> {
        let rest = self.slice(line.from..line.end).strip_prefix('>')?;
        let after = rest.trim_start_matches('>');
        if !after.is_empty() && !after.starts_with([' ', '\t']) {
            return None;
        }
        let from = line.from + 1 + usize::from(rest.starts_with([' ', '\t']));
        Some(Line { from, margin: from, ..*line })
    }

    /// One to three `#` and a blank before something. A block of code stands in no heading.
    fn heading(&self, line: &Line, quotes: usize) -> Option<Found<'a>> {
        let rest = self.slice(line.from..line.end);
        let level = rest.bytes().take_while(|b| *b == b'#').count();
        let title = rest.get(level..)?;
        let content = line.end - title.trim_start_matches([' ', '\t']).len();
        let is_one = (1..=3).contains(&level) && title.starts_with([' ', '\t']) && !title.trim().is_empty();
        if !is_one || self.codes_in(&(line.from..line.end)).iter().any(|code| code.block) {
            return None;
        }
        let parts = self.inline(content..line.end, Within { quotes, margin: 0 });
        let level = u8::try_from(level).ok()?;
        Some(container(Meaning::Heading(level), line.from..line.next, parts))
    }

    /// A line of text. The end of a line behind a block of code belongs to the block.
    fn text_line(&self, line: &Line, quotes: usize, shows_end: bool, out: &mut Vec<Found<'a>>) {
        let content = self.slice(line.from..line.end);
        let begin = line.end - content.trim_start_matches([' ', '\t']).len();
        let margin = self.slice(line.margin..begin).chars().count();
        for found in self.inline(line.from..line.end, Within { quotes, margin }) {
            push(out, self.text, found);
        }
        let ends_with_block = out.last_mut().filter(|last| {
            matches!(last.meaning, Meaning::Code { block: true, .. })
                && last.whole.end == line.end
                && line.from < line.end
        });
        match ends_with_block {
            Some(block) => block.whole.end = line.next,
            None if shows_end => push(out, self.text, literal(self.text, line.end..line.next)),
            None => {}
        }
    }

    /// How many columns of blanks a line begins with.
    fn indent(&self, line: &Line) -> usize {
        let blanks = self.slice(line.from..line.end).bytes().map_while(columns);
        blanks.sum()
    }

    /// The sign of an item: `-`, `*`, `•`, or a number of up to three digits with `.` or `)`, and a blank.
    fn sign(&self, line: &Line) -> Option<Sign> {
        let indent = self.indent(line);
        let rest = self.slice(line.from..line.end).trim_start_matches([' ', '\t']);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = if (1..=3).contains(&digits) {
            let number = rest.get(..digits)?.parse().ok()?;
            (Some(number), rest.get(digits..)?.strip_prefix(['.', ')'])?)
        } else {
            (None, rest.strip_prefix(['-', '*', '•'])?)
        };
        let content = after.trim_start_matches([' ', '\t']);
        // Rows of signs are drawn, and are no items.
        let is_one = after.len() > content.len()
            && content.contains(|c: char| !matches!(c, '-' | '*' | '•' | '_') && !c.is_whitespace());
        is_one.then(|| Sign { indent, number, content: line.end - content.len() })
    }

    /// A list that begins with the first line, and how many lines it has.
    fn list(&self, lines: &[Line], quotes: usize, depth: usize) -> Option<(Found<'a>, usize)> {
        let first = self.sign(lines.first()?).filter(|sign| sign.indent <= MOST_INDENT)?;
        let inside = first.indent + STEP;
        let mut items = Vec::new();
        let mut at = 0;
        while let Some(rest) = lines.get(at..) {
            let next = rest.first().and_then(|line| Some((line, self.sign(line)?)));
            let is_item = |sign: &Sign| sign.indent < inside && sign.number.is_some() == first.number.is_some();
            let Some((line, sign)) = next.filter(|(_, sign)| is_item(sign)) else { break };
            let belongs = |line: &&Line| !self.is_blank(line) && self.indent(line) >= inside;
            let more = rest.iter().skip(1).take_while(belongs).count();
            let base = rest.get(1).map_or(0, |line| self.indent(line));
            let mut own = vec![Line { from: sign.content, ..*line }];
            own.extend(rest.iter().skip(1).take(more).map(|line| self.moved_in(line, base)));
            items.push(container(Meaning::Item(sign.number), span(rest, more + 1), self.item(&own, quotes, depth)));
            at += more + 1;
        }
        Some((container(Meaning::List, span(lines, at), items), at))
    }

    /// The parts of an item: text, and lists behind it.
    fn item(&self, lines: &[Line], quotes: usize, depth: usize) -> Vec<Found<'a>> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(rest) = lines.get(at..) {
            let Some(line) = rest.first() else { break };
            let list = if at > 0 && depth < MOST_LISTS { self.list(rest, quotes, depth + 1) } else { None };
            if let Some((list, length)) = list {
                parts.push(list);
                at += length;
            } else {
                at += 1;
                self.text_line(line, quotes, at < lines.len(), &mut parts);
            }
        }
        parts
    }

    /// A line without so many columns of blanks.
    fn moved_in(&self, line: &Line, most: usize) -> Line {
        let mut left = most;
        let taken = self.slice(line.from..line.end).bytes().map_while(columns).take_while(|columns| {
            let fits = *columns <= left;
            left = left.saturating_sub(*columns);
            fits
        });
        Line { from: line.from + taken.count(), ..*line }
    }
}

/// The columns of a blank.
fn columns(byte: u8) -> Option<usize> {
    match byte {
        b' ' => Some(1),
        b'\t' => Some(TAB),
        _ => None,
    }
}

/// Where the first so many lines stand, with the end of the last.
fn span(lines: &[Line], count: usize) -> Range<usize> {
    let begin = lines.first().map_or(0, |line| line.from);
    begin..lines.get(count.saturating_sub(1)).map_or(begin, |line| line.next)
}

pub(super) fn container(meaning: Meaning, whole: Range<usize>, parts: Vec<Found<'_>>) -> Found<'_> {
    Found { meaning, whole, text: Cow::Borrowed(""), parts }
}

pub(super) fn literal(text: &str, whole: Range<usize>) -> Found<'_> {
    let shown = text.get(whole.clone()).unwrap_or_default();
    Found { meaning: Meaning::Text, whole, text: Cow::Borrowed(shown), parts: Vec::new() }
}

/// Adds a part; neighbouring texts become one, and what is empty is left out.
pub(super) fn push<'a>(out: &mut Vec<Found<'a>>, text: &'a str, found: Found<'a>) {
    if found.whole.is_empty() {
        return;
    }
    match out.last_mut() {
        Some(last)
            if last.meaning == Meaning::Text
                && found.meaning == Meaning::Text
                && last.whole.end == found.whole.start =>
        {
            *last = literal(text, last.whole.start..found.whole.end);
        }
        _ => out.push(found),
    }
}
