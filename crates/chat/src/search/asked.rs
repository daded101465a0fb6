//! Reads what somebody typed into the field for searching. Whatever is no operator is a word; nothing of it is ever a
//! query of a database.

use super::{
    Has, PREFIX, Phrase, Search,
    terms::{self, Term},
};
use crate::{Error, Millis, Result, conversations::Kind};

/// The bounds of a search.
#[derive(Clone, Copy, Debug)]
pub struct SearchBounds {
    /// Unicode scalar values of the whole.
    pub length: i64,
    /// Words, phrases and operators.
    pub terms: i64,
}

/// The operators, with the values of those that have a few.
pub(super) const OPERATORS: [(&str, &[&str]); 8] = [
    ("from", &[]),
    ("in", &[]),
    ("before", &[]),
    ("after", &[]),
    ("on", &[]),
    ("has", &["link", "file", "image", "reaction"]),
    ("is", &["edited", "thread"]),
    ("type", &["room", "group", "direct"]),
];
/// Operators that other systems have: whoever uses one wants no word.
const NOT_HERE: &[&str] = &["mentions", "to", "with", "during", "thread"];
/// The characters that open and close a phrase.
pub(super) const QUOTES: &[char] = &['"', '“', '”', '„', '«', '»'];
const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

/// Reads a question. Its days are those of a clock that is `utc_offset` minutes ahead of UTC.
///
/// # Errors
/// `invalid` for the field `q`: it is too long or has too many words, it has operators and nothing to look for, or an
/// operator has a value that it does not know; the words name what is allowed.
pub fn parse(q: &str, utc_offset: i64, bounds: SearchBounds) -> Result<Search> {
    if q.chars().take(usize::try_from(bounds.length).unwrap_or(usize::MAX).saturating_add(1)).count() as i64
        > bounds.length
    {
        return Err(wrong(format!("A search has at most {} characters.", bounds.length)));
    }
    let pieces = pieces(q);
    if pieces.len() as i64 > bounds.terms {
        return Err(wrong(format!("A search has at most {} words and operators.", bounds.terms)));
    }
    let mut search = Search::default();
    for piece in &pieces {
        match piece.operator {
            None => add_words(&mut search, piece)?,
            Some(_) => add_operator(&mut search, piece, utc_offset)?,
        }
    }
    if !search.has_anchor() && pieces.iter().any(|piece| piece.operator.is_some()) {
        return Err(wrong(
            "There is nothing to look for: a search needs a word, a \"phrase\", from:, in:, has:link, has:file or has:image.",
        ));
    }
    Ok(search)
}

fn wrong(detail: impl Into<String>) -> Error {
    Error::invalid("q", detail)
}

/// A part of a question: a word, a phrase, or an operator with its value.
pub(super) struct Piece<'q> {
    pub(super) not: bool,
    pub(super) operator: Option<&'q str>,
    pub(super) text: &'q str,
    pub(super) quotes: Quotes,
    /// The byte with which it begins.
    pub(super) start: usize,
}

/// Whether a value stands in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    None,
    /// Nothing closes them.
    Open,
    Closed,
}

/// The parts of a question, between which there is space outside of quotes.
pub(super) fn pieces(q: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = q.trim_start();
    while !rest.is_empty() {
        let start = q.len() - rest.len();
        let (not, after) = match rest.strip_prefix('-') {
            Some(after) if !after.starts_with(char::is_whitespace) => (true, after),
            _ => (false, rest),
        };
        let (operator, value) = match operator(after) {
            Some((name, value)) => (Some(name), value),
            None => (None, after),
        };
        let (text, quotes, end) = value_of(value);
        pieces.push(Piece { not, operator, text, quotes, start });
        rest = value.get(end..).unwrap_or_default().trim_start();
    }
    pieces
}

/// The operator with which a piece begins, and what follows its colon; nothing if it is a word, as `https://…` is.
fn operator(piece: &str) -> Option<(&str, &str)> {
    let (name, value) = piece.split_once(':')?;
    let known = OPERATORS.iter().map(|(operator, _)| operator);
    let is_one = known.chain(NOT_HERE).any(|operator| name.eq_ignore_ascii_case(operator));
    is_one.then_some((name, value))
}

/// A value's text, whether it stands in quotes, and where it ends. A quote that is not closed goes to the end.
fn value_of(value: &str) -> (&str, Quotes, usize) {
    let mut chars = value.chars();
    if chars.next().is_some_and(|first| QUOTES.contains(&first)) {
        let inside = chars.as_str();
        let begins = value.len() - inside.len();
        let Some(length) = inside.find(QUOTES) else { return (inside, Quotes::Open, value.len()) };
        let closing = inside.get(length..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        return (inside.get(..length).unwrap_or_default(), Quotes::Closed, begins + length + closing);
    }
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    (value.get(..end).unwrap_or_default(), Quotes::None, end)
}

fn add_words(search: &mut Search, piece: &Piece<'_>) -> Result<()> {
    let asks_for_beginning = piece.quotes == Quotes::None && piece.text.ends_with('*');
    let terms = terms::terms(piece.text);
    let is_short = |last: &Term| last.kind == terms::TermKind::Word && last.text.chars().count() < PREFIX;
    let is_too_short = asks_for_beginning && terms.last().is_some_and(is_short);
    let Some(phrase) = Phrase::of(piece.text, asks_for_beginning && !is_too_short) else { return Ok(()) };
    // Where there are further signs, the star is one of them.
    if is_too_short && terms.len() == 1 {
        return Err(wrong(format!("{} is too short: before * stand at least {PREFIX} letters.", piece.text)));
    }
    let list = if piece.not { &mut search.not } else { &mut search.words };
    if !list.contains(&phrase) {
        list.push(phrase);
    }
    Ok(())
}

fn add_operator(search: &mut Search, piece: &Piece<'_>, utc_offset: i64) -> Result<()> {
    let name = piece.operator.unwrap_or_default().to_ascii_lowercase();
    let value = piece.text.trim();
    if piece.not {
        return Err(wrong(format!("-{name}: is not possible; words and \"phrases\" can be excluded with -.")));
    }
    if value.is_empty() && !NOT_HERE.contains(&name.as_str()) {
        return Err(wrong(format!("{name}: needs a value right behind the colon.")));
    }
    let one_of = |allowed: &str| wrong(format!("{name}:{value} is not known; {name}: may be {allowed}."));
    let lower = value.to_ascii_lowercase();
    match name.as_str() {
        "from" => search.from.push(value.strip_prefix('@').unwrap_or(value).to_owned()),
        "in" => search.within.push(value.strip_prefix('#').unwrap_or(value).to_owned()),
        "has" => search.has.push(Has::from_name(&lower).ok_or_else(|| one_of("link, file, image or reaction"))?),
        "is" if lower == "edited" => search.edited = true,
        "is" if lower == "thread" => search.thread = true,
        "is" => return Err(one_of("edited or thread")),
        "type" => search.kinds.push(Kind::from_name(&lower).ok_or_else(|| one_of("room, group or direct"))?),
        "before" | "after" | "on" => {
            let day = day(value).ok_or_else(|| one_of("a day, as 2026-11-30"))?;
            let begins = day * DAY - utc_offset * MINUTE;
            narrow(search, &name, begins);
        }
        _ => return Err(wrong(format!("{name}: is not known; there are {}.", all_operators()))),
    }
    Ok(())
}

/// The operators as they are named to people.
fn all_operators() -> String {
    let names: Vec<String> = OPERATORS.iter().map(|(name, _)| format!("{name}:")).collect();
    names.join(", ")
}

/// Takes a day, by the moment at which it begins, as a bound.
fn narrow(search: &mut Search, operator: &str, begins: i64) {
    let (since, until) = match operator {
        "before" => (None, Some(begins)),
        "after" => (Some(begins + DAY), None),
        _ => (Some(begins), Some(begins + DAY)),
    };
    search.since = search.since.max(since.map(Millis));
    search.until = match (search.until, until.map(Millis)) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}

/// Days from 1970-01-01 to a day that is written as `2026-11-30`; nothing if there is no such day.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse::<i64>().ok()
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if parts.next().is_some() || !(1970..=9999).contains(&year) || !(1..=days).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the day of a leap year is their last.
    let shifted = if month > 2 { year } else { year - 1 };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: SearchBounds = SearchBounds { length: 500, terms: 20 };

    fn read(q: &str) -> Search {
        parse(q, 0, BOUNDS).unwrap_or_else(|error| panic!("{q}: {error}"))
    }

    fn refused(q: &str) -> String {
        let error = parse(q, 0, BOUNDS).expect_err(q);
        assert_eq!(error.field.as_deref(), Some("/q"));
        error.detail
    }

    fn texts(phrases: &[Phrase]) -> Vec<String> {
        phrases.iter().map(|phrase| phrase.terms.join(" ") + if phrase.prefix { "*" } else { "" }).collect()
    }

    #[test]
    fn words_phrases_and_what_is_excluded_are_told_apart() {
        let search =
            read("Hello \"Big  World\" -war -\"cold war\" wor* l’eau hello “à la carte” unclosed \"to the end");
        assert_eq!(
            texts(&search.words),
            ["hello", "big world", "wor*", "l eau", "a la carte", "unclosed", "to the end"]
        );
        assert_eq!(texts(&search.not), ["war", "cold war"]);
    }

    #[test]
    fn operators_have_their_values() {
        let search = read("from:@Ann from:me in:#Garden in:\"The Pub\" has:LINK has:reaction is:edited type:direct x");
        assert_eq!(search.from, ["Ann", "me"]);
        assert_eq!(search.within, ["Garden", "The Pub"]);
        assert_eq!((search.has.as_slice(), search.edited), ([Has::Link, Has::Reaction].as_slice(), true));
        assert_eq!(search.kinds, [Kind::Direct]);
    }

    #[test]
    fn days_are_those_of_the_asker() {
        assert_eq!((day("1970-01-01"), day("2000-02-29"), day("2026-11-30")), (Some(0), Some(11_016), Some(20_787)));
        for none in
            ["2026-02-29", "2026-13-01", "2026-1-1", "26-01-01", "2026-01-01-01", "2026-00-10", "x", "٢٠٢٦-01-01"]
        {
            assert_eq!(day(none), None, "{none}");
        }
        let on = |q: &str, offset| {
            let search = parse(q, offset, BOUNDS).expect("it can be read");
            (search.since.map(|at| at.0), search.until.map(|at| at.0))
        };
        assert_eq!(on("x on:1970-01-02", 0), (Some(DAY), Some(2 * DAY)));
        assert_eq!(on("x on:1970-01-02", 60), (Some(DAY - 60 * MINUTE), Some(2 * DAY - 60 * MINUTE)));
        assert_eq!(on("x before:1970-01-05 before:1970-01-03 after:1970-01-01", 0), (Some(DAY), Some(2 * DAY)));
    }

    #[test]
    fn what_is_no_operator_is_a_word() {
        for (q, words) in [
            ("https://example.com/x", "https example com x"),
            ("std::vec", "std vec"),
            ("12:30", "12 30"),
            ("a NEAR(b c, 5)", "a near b c 5"),
            ("x OR y AND NOT z", "x or y and not z"),
            ("col:x* ^x {a b}: z", "col x"),
            ("'; DROP TABLE messages; -- (((", "drop table messages"),
            ("foo & !bar | (baz <-> qux):*", "foo bar baz qux"),
        ] {
            let found = texts(&read(q).words).join(" ");
            assert!(found.replace('*', "").contains(words), "{q}: {found}");
        }
        assert_eq!(texts(&read("a - b --c").words), ["a", "b"]);
    }

    #[test]
    fn where_there_is_nothing_to_look_for_nothing_is_found() {
        for q in ["", "  ", "-", "!?", "-only", "\"\"", "*"] {
            assert!(!read(q).has_anchor(), "{q}");
        }
    }

    #[test]
    fn refusals_name_what_is_allowed() {
        assert!(refused("type:room -only").contains("needs a word"));
        assert!(refused("before:2026-01-01 is:edited").contains("needs a word"));
        assert!(refused("has:voice").contains("link, file, image or reaction"));
        assert!(refused("is:pinned x").contains("may be edited or thread"));
        assert!(read("is:thread x").thread && !read("x").thread);
        assert!(refused("type:space x").contains("room, group or direct"));
        assert!(refused("mentions:me").contains("from:"));
        assert!(refused("on:tomorrow x").contains("2026-11-30"));
        assert!(refused("-from:ann x").contains("excluded"));
        assert!(refused("from: ann").contains("right behind"));
        assert!(refused("ab*").contains("at least 3"));
        assert!(refused(&"x".repeat(501)).contains("at most 500 characters"));
        let letters: String = ('a'..='u').map(|c| format!("{c} ")).collect();
        assert!(refused(&letters).contains("at most 20 words"));
        assert_eq!(read(&"x".repeat(500)).words.len(), 1);
        assert_eq!(read(letters.trim_end_matches("u ")).words.len(), 20);
    }
}
