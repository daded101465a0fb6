//! The end of a search that somebody is typing, and the kinds of words that can complete it.

use super::{
    SearchBounds, Suggestion,
    asked::{OPERATORS, QUOTES, Quotes, pieces},
};
use crate::{Error, Result};

/// The word that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun<'q> {
    /// Where it begins, in Unicode scalar values; a suggestion takes the place of everything from there on.
    pub from: usize,
    /// Its kind.
    pub what: Beginning<'q>,
}

/// The kinds of words that can be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning<'q> {
    /// A word, phrase or day, for which nothing is suggested.
    Other,
    /// Perhaps an operator; empty between two words.
    Operator(&'q str),
    /// The value of an operator, in lower case, with what of it is there.
    Value(&'static str, &'q str),
}

/// The word that was begun at the end of a search.
///
/// # Errors
/// `invalid` for the field `q` if it is longer than a search may be.
pub fn begun(q: &str, bounds: SearchBounds) -> Result<Begun<'_>> {
    let length = q.chars().count();
    if i64::try_from(length).unwrap_or(i64::MAX) > bounds.length {
        return Err(Error::invalid("q", format!("A search has at most {} characters.", bounds.length)));
    }
    let nothing = Begun { from: length, what: Beginning::Operator("") };
    let Some(last) = pieces(q).pop() else { return Ok(nothing) };
    if last.quotes != Quotes::Open && q.ends_with(char::is_whitespace) {
        return Ok(nothing);
    }
    let from = q.get(..last.start).map_or(0, |before| before.chars().count());
    let operator = |name: &str| OPERATORS.iter().find(|(operator, _)| name.eq_ignore_ascii_case(operator));
    let what = match last.operator {
        _ if last.not || last.quotes == Quotes::Closed => Beginning::Other,
        Some(name) => operator(name).map_or(Beginning::Other, |(name, _)| Beginning::Value(name, last.text)),
        None if last.quotes == Quotes::None => Beginning::Operator(last.text),
        None => Beginning::Other,
    };
    Ok(Begun { from, what })
}

/// The operators that begin so, or the values of an operator that has only a few.
#[must_use]
pub fn fixed(what: Beginning<'_>) -> Vec<Suggestion> {
    let begins = |whole: &str, beginning: &str| {
        whole.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    };
    let texts: Vec<String> = match what {
        Beginning::Other => Vec::new(),
        Beginning::Operator(beginning) => {
            let names = OPERATORS.iter().map(|(name, _)| *name).filter(|name| begins(name, beginning));
            names.map(|name| format!("{name}:")).collect()
        }
        Beginning::Value("from", beginning) if begins("me", beginning) => vec!["from:me".to_owned()],
        Beginning::Value(operator, beginning) => {
            let values = OPERATORS.iter().filter(|(name, _)| *name == operator).flat_map(|(_, values)| *values);
            values.filter(|value| begins(value, beginning)).map(|value| format!("{operator}:{value}")).collect()
        }
    };
    texts.into_iter().map(|text| Suggestion { text, meaning: None }).collect()
}

/// How an operator with this name as its value is written; nothing if it cannot be.
#[must_use]
pub fn written(operator: &str, name: &str) -> Option<String> {
    // At the beginning these signs mean something else.
    if name.is_empty() || name.starts_with(['@', '#']) || name.trim() != name {
        return None;
    }
    if name.contains(char::is_whitespace) {
        return (!name.contains(QUOTES)).then(|| format!("{operator}:\"{name}\""));
    }
    (!name.starts_with(QUOTES)).then(|| format!("{operator}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: SearchBounds = SearchBounds { length: 50, terms: 20 };

    fn read(q: &str) -> (usize, Beginning<'_>) {
        let begun = begun(q, BOUNDS).expect("it is short");
        (begun.from, begun.what)
    }

    fn texts(q: &str) -> String {
        let texts: Vec<String> = fixed(read(q).1).into_iter().map(|suggestion| suggestion.text).collect();
        texts.join(" ")
    }

    #[test]
    fn what_was_begun_is_the_last_piece() {
        assert_eq!(read(""), (0, Beginning::Operator("")));
        assert_eq!(read("été "), (4, Beginning::Operator("")));
        assert_eq!(read("été fr"), (4, Beginning::Operator("fr")));
        assert_eq!(read("été From:an"), (4, Beginning::Value("from", "an")));
        assert_eq!(read("in:"), (0, Beginning::Value("in", "")));
        assert_eq!(read("in:\"tool sh"), (0, Beginning::Value("in", "tool sh")));
        for other in ["-fr", "-from:an", "\"fr", "\"fr\"", "in:\"tool shed\"", "mentions:an"] {
            assert_eq!(read(other).1, Beginning::Other, "{other}");
        }
        assert!(begun(&"x".repeat(51), BOUNDS).is_err() && begun(&"x".repeat(50), BOUNDS).is_ok());
    }

    #[test]
    fn operators_and_their_few_values_are_suggested() {
        assert_eq!(texts("garden i"), "in: is:");
        assert_eq!(texts(""), "from: in: before: after: on: has: is: type:");
        assert_eq!(texts("has:"), "has:link has:file has:image has:reaction");
        assert_eq!(texts("TYPE:g"), "type:group");
        assert_eq!(
            (texts("from:"), texts("from:m"), texts("from:an")),
            ("from:me".into(), "from:me".into(), "".into())
        );
        assert_eq!(texts("garden"), "");
        assert_eq!(texts("é"), "");
    }

    #[test]
    fn what_is_suggested_is_read_as_that_name() {
        for (name, text) in [
            ("garden", Some("in:garden")),
            ("tool shed", Some("in:\"tool shed\"")),
            ("l'été", Some("in:l'été")),
            ("5\" nails", None),
            ("5\"", Some("in:5\"")),
            ("«x»", None),
            ("#one", None),
            ("@one", None),
            ("", None),
        ] {
            assert_eq!(written("in", name).as_deref(), text, "{name}");
            if let Some(text) = text {
                assert_eq!(super::super::parse(text, 0, BOUNDS).expect("it is short").within, [name]);
            }
        }
    }
}
