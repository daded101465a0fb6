//! The parts of a line: links, mentions, rooms, emoji, and styles.

use std::{borrow::Cow, ops::Range};

use super::{
    Found, Meaning,
    blocks::{Reader, Within, container, literal, push},
    code, emoji_at, is_before_no_mention, is_before_no_room, labels, links, name_at, room_at,
    scripts::{is_unspaced, is_word},
};
use crate::names;

impl<'a> Reader<'a> {
    /// The parts of a stretch of one line.
    pub(super) fn inline(&self, range: Range<usize>, within: Within) -> Vec<Found<'a>> {
        self.read_inline(range, within, true)
    }

    /// The shown text of a link: neither links nor names are looked for in it.
    fn label(&self, range: Range<usize>) -> Vec<Found<'a>> {
        self.read_inline(range, Within { quotes: 0, margin: 0 }, false)
    }

    fn read_inline(&self, range: Range<usize>, within: Within, names: bool) -> Vec<Found<'a>> {
        let mut scan = Scan { text: self.text, range: range.clone(), names, ..Scan::default() };
        let mut at = range.start;
        for leaf in self.leaves(&range, within, names) {
            scan.gap(at..leaf.whole.start);
            at = leaf.whole.end;
            scan.leaf(leaf);
        }
        scan.gap(at..range.end);
        scan.built()
    }

    /// Code and links, in their order.
    fn leaves(&self, range: &Range<usize>, within: Within, names: bool) -> Vec<Found<'a>> {
        let mut leaves = Vec::new();
        let mut at = range.start;
        if names {
            for label in labels::all(self, range) {
                self.leaves_between(at..label.whole.start, within, names, &mut leaves);
                at = label.whole.end;
                let parts = self.label(label.label);
                let shown = Cow::Owned(shown(&parts));
                leaves.push(Found { meaning: Meaning::Link(label.address), whole: label.whole, text: shown, parts });
            }
        }
        self.leaves_between(at..range.end, within, names, &mut leaves);
        leaves
    }

    fn leaves_between(&self, range: Range<usize>, within: Within, links: bool, out: &mut Vec<Found<'a>>) {
        let mut at = range.start;
        for code in self.codes_in(&range) {
            if links {
                self.links(at..code.whole.start, out);
            }
            at = code.whole.end;
            let language = self.text.get(code.language.clone()).filter(|name| !name.is_empty()).map(str::to_owned);
            out.push(Found {
                meaning: Meaning::Code { block: code.block, language },
                whole: code.whole.clone(),
                text: code::shown(self.text, code, within.quotes, within.margin),
                parts: Vec::new(),
            });
        }
        if links {
            self.links(at..range.end, out);
        }
    }

    fn links(&self, range: Range<usize>, out: &mut Vec<Found<'a>>) {
        let mut at = range.start;
        while let Some((whole, target)) = links::next(self.text, range.clone(), at) {
            at = whole.end;
            // A text that looks like a link and may be none is left as it is, with all that is in it.
            let mut leaf = literal(self.text, whole);
            leaf.meaning = target.map_or(Meaning::Text, Meaning::Link);
            out.push(leaf);
        }
    }
}

/// The shown text of parts that stand in one line.
fn shown(parts: &[Found<'_>]) -> String {
    let text = |part: &Found<'_>| if part.parts.is_empty() { part.text.to_string() } else { shown(&part.parts) };
    parts.iter().map(text).collect()
}

/// The neighbour of a marker on one side.
#[derive(Clone, Copy)]
enum Beside {
    /// The line begins or ends.
    Nothing,
    /// Code, a link or a name.
    Leaf,
    Char(char),
}

impl Beside {
    fn is_blank(self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Leaf => false,
            Self::Char(c) => c.is_whitespace(),
        }
    }

    /// A letter, mark or digit of a script with spaces; the marks that choose how an emoji is drawn are none.
    fn is_word(self) -> bool {
        let is_choice = |c| matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{20e3}');
        matches!(self, Self::Char(c) if c != '_' && is_word(c) && !is_unspaced(c) && !is_choice(c))
    }

    /// Paths, escaped characters, code and faces have their signs beside these.
    fn is_guard(self, marker: char) -> bool {
        matches!(self, Self::Char('/' | '\\' | '^' | '<' | '>' | '='))
            || (marker == '_' && matches!(self, Self::Char('-')))
    }
}

/// The styles, by their places in `Scan::open`.
const STRONG: usize = 0;
const STAR: usize = 1;
const LINE: usize = 2;
const STRIKE: usize = 3;

fn meaning_of(style: usize) -> Meaning {
    match style {
        STRONG => Meaning::Strong,
        STRIKE => Meaning::Strike,
        _ => Meaning::Emphasis,
    }
}

/// A row of equal markers that may begin a style.
struct Row {
    start: usize,
    /// How many of them have no end yet; the last ones get theirs first.
    left: usize,
}

/// A style that has begun.
#[derive(Clone, Copy)]
struct Open {
    /// The index of its row.
    row: usize,
    /// How much there was before it that is worth a style.
    solid: usize,
}

/// The mark that was found at a place.
enum Mark<'a> {
    Leaf(Found<'a>),
    Begin(usize),
    End,
}

/// A line that is read from left to right. Of each style at most one has begun: so it takes no longer than the line is,
/// and no style stands in itself.
#[derive(Default)]
struct Scan<'a> {
    text: &'a str,
    range: Range<usize>,
    /// Whether mentions and rooms are looked for.
    names: bool,
    marks: Vec<(Range<usize>, Mark<'a>)>,
    rows: Vec<Row>,
    open: [Option<Open>; 4],
    solid: usize,
}

impl<'a> Scan<'a> {
    fn leaf(&mut self, leaf: Found<'a>) {
        self.solid += 1;
        if matches!(leaf.meaning, Meaning::Code { block: true, .. }) {
            // No style goes on behind a block.
            self.open = [None; 4];
        }
        self.marks.push((leaf.whole.clone(), Mark::Leaf(leaf)));
    }

    /// A stretch between code and links.
    fn gap(&mut self, gap: Range<usize>) {
        let mut before = None;
        let mut at = gap.start;
        while let Some(rest) = self.text.get(at..gap.end) {
            let Some(c) = rest.chars().next() else { break };
            if let Some(found) = self.name(rest, c, before) {
                let whole = at..at + found.1;
                before = rest.get(..found.1).and_then(|name| name.chars().next_back());
                at = whole.end;
                let mut leaf = literal(self.text, whole);
                leaf.meaning = found.0;
                self.leaf(leaf);
                continue;
            }
            let mut length = c.len_utf8();
            if matches!(c, '*' | '_' | '~') {
                length = rest.bytes().take_while(|b| char::from(*b) == c).count();
                let beside = |c: Option<char>, at_end: bool| match c {
                    Some(c) => Beside::Char(c),
                    None if at_end => Beside::Nothing,
                    None => Beside::Leaf,
                };
                let after = rest.get(length..).and_then(|rest| rest.chars().next());
                let neighbours = (beside(before, at == self.range.start), beside(after, at + length == self.range.end));
                self.row(c, at, length, neighbours);
            } else if !matches!(c, '-' | '.') && !c.is_whitespace() {
                self.solid += 1;
            }
            before = Some(c);
            at += length;
        }
    }

    /// A name that begins with this character, and how long it is with its signs.
    fn name(&self, rest: &str, c: char, before: Option<char>) -> Option<(Meaning, usize)> {
        let behind = rest.get(c.len_utf8()..)?;
        match c {
            '@' | '\u{ff20}' if self.names && !before.is_some_and(is_before_no_mention) => {
                let name = Some(name_at(behind)).filter(|name| !name.is_empty())?;
                Some((Meaning::Mention(names::compared(name)), c.len_utf8() + name.len()))
            }
            '#' | '\u{ff03}' if self.names && !before.is_some_and(is_before_no_room) => {
                let name = Some(room_at(behind)).filter(|name| !name.is_empty())?;
                Some((Meaning::Room(names::compared(name)), c.len_utf8() + name.len()))
            }
            ':' if !before.is_some_and(|c| c == ':' || (is_word(c) && !is_unspaced(c))) => {
                let name = emoji_at(rest)?;
                Some((Meaning::Emoji(name.to_ascii_lowercase()), name.len() + 2))
            }
            _ => None,
        }
    }

    /// A row of markers: it ends what has begun, or else begins something.
    fn row(&mut self, c: char, at: usize, length: usize, (before, after): (Beside, Beside)) {
        let styles: &[usize] = match (c, length) {
            ('*', 1) => &[STAR],
            ('*', 2) => &[STRONG],
            ('*', 3) => &[STAR, STRONG],
            ('_', 1) => &[LINE],
            ('~', 2) => &[STRIKE],
            _ => return,
        };
        if before.is_guard(c) || after.is_guard(c) {
            return;
        }
        // Two markers are rare in a word: `**word**s`.
        let may_end = !before.is_blank() && (length == 2 || !after.is_word());
        let ended = may_end && self.end(styles, at, length);
        if !ended && !after.is_blank() && !before.is_word() {
            let open = Open { row: self.rows.len(), solid: self.solid };
            self.rows.push(Row { start: at, left: length });
            for style in styles {
                if let Some(slot) = self.open.get_mut(*style) {
                    *slot = Some(open);
                }
            }
        }
    }

    /// Ends the styles that have begun, the last one first; whether there was one.
    fn end(&mut self, styles: &[usize], at: usize, length: usize) -> bool {
        let mut used = 0;
        let mut left: Vec<usize> = styles.to_vec();
        while let Some((style, row)) = self.last_of(&left) {
            left.retain(|one| *one != style);
            let width = if matches!(style, STRONG | STRIKE) { 2 } else { 1 };
            let Some(begun) = self.rows.get_mut(row).filter(|begun| begun.left >= width) else { break };
            if used + width > length {
                break;
            }
            begun.left -= width;
            let begin = begun.start + begun.left;
            self.marks.push((begin..begin + width, Mark::Begin(style)));
            self.marks.push((at + used..at + used + width, Mark::End));
            used += width;
            for (index, slot) in self.open.iter_mut().enumerate() {
                // A style that has begun inside and has no end is text.
                if index == style || slot.is_some_and(|open| open.row > row) {
                    *slot = None;
                }
            }
        }
        used > 0
    }

    /// Of these styles the one that has begun last, with the index of its row. There must be something in it.
    fn last_of(&self, styles: &[usize]) -> Option<(usize, usize)> {
        let begun = styles.iter().filter_map(|style| {
            let open = self.open.get(*style).copied().flatten()?;
            (open.solid < self.solid).then_some((*style, open.row))
        });
        // Of two that began together the first is taken: it is the inner one.
        begun.reduce(|best, one| if one.1 > best.1 { one } else { best })
    }

    /// The parts, nested as their markers are.
    fn built(mut self) -> Vec<Found<'a>> {
        self.marks.sort_by_key(|(place, _)| place.start);
        let mut around: Vec<(usize, usize, Vec<Found<'a>>)> = Vec::new();
        let mut parts = Vec::new();
        let mut at = self.range.start;
        for (place, mark) in self.marks {
            push(&mut parts, self.text, literal(self.text, at..place.start));
            at = place.end;
            match mark {
                Mark::Leaf(leaf) => push(&mut parts, self.text, leaf),
                Mark::Begin(style) => around.push((style, place.start, std::mem::take(&mut parts))),
                Mark::End => {
                    if let Some((style, begin, outer)) = around.pop() {
                        let inner = std::mem::replace(&mut parts, outer);
                        parts.push(container(meaning_of(style), begin..place.end, inner));
                    }
                }
            }
        }
        push(&mut parts, self.text, literal(self.text, at..self.range.end));
        parts
    }
}
