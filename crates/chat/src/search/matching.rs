//! Whether a text is what was looked for, and where in it. An index only proposes; this decides.

use super::{
    Phrase, relevance, searched,
    terms::{Term, terms},
};
use crate::files::File;

/// Places that are shown of one text at most.
const MOST: usize = 100;

/// A part of a text, in Unicode scalar values: from the first to before the second.
pub type Highlight = (usize, usize);

/// The result of a search in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMatch {
    /// Where the phrases stand, in order and without overlaps.
    pub places: Vec<Highlight>,
    /// How relevant the text is, compared with others in which the same was found: the greater, the better.
    pub score: u32,
}

/// Where the phrases stand in a text, if all of `wanted` and none of `unwanted` do.
#[must_use]
pub fn places(text: &str, wanted: &[Phrase], unwanted: &[Phrase]) -> Option<Vec<Highlight>> {
    matched(text, wanted, unwanted).map(|matched| matched.places)
}

/// The matches in a text, if all of `wanted` stand there and none of `unwanted` does.
#[must_use]
pub fn matched(text: &str, wanted: &[Phrase], unwanted: &[Phrase]) -> Option<TextMatch> {
    let terms = terms(text);
    if unwanted.iter().any(|phrase| occurrences(&terms, phrase).next().is_some()) {
        return None;
    }
    let (mut places, mut standing) = (Vec::new(), Vec::with_capacity(wanted.len()));
    for phrase in wanted {
        let found: Vec<(usize, Highlight)> = occurrences(&terms, phrase).take(MOST).collect();
        if found.is_empty() {
            return None;
        }
        places.extend(found.iter().map(|(_, place)| *place));
        standing
            .push(relevance::Standing { at: found.iter().map(|(at, _)| *at).collect(), length: phrase.terms.len() });
    }
    let score = relevance::score(&standing, terms.len());
    Some(TextMatch { places: merged(places), score })
}

/// The same in a text and the names of the files that come with it; the places are those in the text.
#[must_use]
pub fn matched_in(text: &str, files: &[File], wanted: &[Phrase], unwanted: &[Phrase]) -> Option<TextMatch> {
    let mut found = matched(&searched(text, files), wanted, unwanted)?;
    if !files.is_empty() {
        let end = text.chars().count();
        found.places.retain(|(_, to)| *to <= end);
    }
    Some(found)
}

/// The places of a phrase, each with the number of its first term.
fn occurrences<'t>(terms: &'t [Term], phrase: &'t Phrase) -> impl Iterator<Item = (usize, Highlight)> + 't {
    terms
        .windows(phrase.terms.len().max(1))
        .enumerate()
        .filter(|(_, window)| stands(window, phrase))
        .filter_map(|(at, window)| Some((at, (window.first()?.start, window.last()?.end))))
}

fn stands(window: &[Term], phrase: &Phrase) -> bool {
    let Some((last, before)) = phrase.terms.split_last() else { return false };
    let Some((end, begin)) = window.split_last() else { return false };
    let ends = if phrase.prefix { end.text.starts_with(last) } else { end.text == *last };
    ends && begin.iter().zip(before).all(|(term, wanted)| term.text == *wanted)
}

/// Places in their order; those that touch are one.
fn merged(mut places: Vec<Highlight>) -> Vec<Highlight> {
    places.sort_unstable();
    let mut merged: Vec<Highlight> = Vec::new();
    for (start, end) in places {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged.truncate(MOST);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(text: &str) -> Phrase {
        Phrase::of(text, false).expect("it has terms")
    }

    #[test]
    fn places_are_those_of_the_text_as_it_was_written() {
        let text = "Le café « crème »: deux cafés crème, un CAFE\u{301} Creme.";
        let scalars: Vec<char> = text.chars().collect();
        let found = places(text, &[phrase("cafe creme")], &[]).expect("it is there");
        let found: Vec<String> = found.iter().map(|(start, end)| scalars[*start..*end].iter().collect()).collect();
        assert_eq!(found, ["café « crème", "CAFE\u{301} Creme"]);
    }

    #[test]
    fn all_that_is_wanted_must_stand_there_and_nothing_that_is_not() {
        let text = "one two three";
        assert!(places(text, &[phrase("three"), phrase("one")], &[]).is_some());
        assert!(places(text, &[phrase("three"), phrase("four")], &[]).is_none());
        assert!(places(text, &[phrase("three one")], &[]).is_none());
        assert!(places(text, &[phrase("one")], &[phrase("two three")]).is_none());
        assert_eq!(places(text, &[], &[phrase("four")]), Some(vec![]));
    }

    #[test]
    fn scripts_without_spaces_are_found_in_the_middle_of_a_run() {
        let text = "我在大東京工作";
        for wanted in ["東京", "京", "大東京工", "作", "工作"] {
            assert!(places(text, &[phrase(wanted)], &[]).is_some(), "{wanted}");
        }
        assert!(places(text, &[phrase("京東")], &[]).is_none());
        assert_eq!(places(text, &[phrase("東京工")], &[]), Some(vec![(3, 6)]));
    }

    #[test]
    fn names_of_files_are_found_and_have_no_places_in_the_text() {
        let name = |name: &str| File {
            id: crate::FileId::of([1; 16]),
            name: name.into(),
            media_type: "image/png".into(),
            size: 1,
            sha256: String::new(),
            pixels: None,
            blurhash: None,
            voice: None,
        };
        let files = [name("garden plan.png"), name("été.jpg")];
        let found = |wanted: &str| matched_in("see été", &files, &[phrase(wanted)], &[]).map(|found| found.places);
        assert_eq!(found("plan"), Some(vec![]));
        assert_eq!(found("ete"), Some(vec![(4, 7)]));
        assert_eq!(found("garden plan"), Some(vec![]));
        assert_eq!((found("ete garden"), found("png ete")), (None, None), "a phrase ends with the text or the name");
        assert_eq!(matched_in("see", &files, &[phrase("see")], &[phrase("plan")]), None);
    }

    #[test]
    fn what_touches_is_one_place() {
        assert_eq!(merged(vec![(4, 6), (0, 2), (1, 3), (3, 3)]), [(0, 3), (4, 6)]);
    }
}
