//! How relevant a text is in which something was found. Only whole numbers are reckoned with, so that every machine and
//! every database puts results in the same order.
//!
//! All words that were looked for stand in each text, so nothing hangs on how rare they are. What counts is how often
//! they stand there for the length of the text (as in BM25), and how near to each other.

/// How a phrase stands in a text.
pub(super) struct Standing {
    /// The numbers of the first terms of its places, in their order; at least one.
    pub(super) at: Vec<usize>,
    /// Its terms.
    pub(super) length: usize,
}

/// The weight that words add which stand beside each other.
const CLOSENESS: u64 = 2_000;

/// The score of a text of so many terms.
pub(super) fn score(phrases: &[Standing], length: usize) -> u32 {
    let often: u64 = phrases.iter().map(|phrase| frequency(phrase, length)).sum();
    u32::try_from(often + closeness(phrases)).unwrap_or(u32::MAX)
}

/// BM25's share of one phrase in thousandths, with k = 1.2 and b = 0.75 for texts of 20 terms in the middle.
fn frequency(phrase: &Standing, length: usize) -> u64 {
    let (count, length) = (phrase.at.len() as u64, length as u64);
    count * 2_200_000 / (count * 1_000 + 300 + 45 * length).max(1)
}

/// The most if all phrases stand beside each other somewhere; the less, the wider apart they are where they are nearest.
fn closeness(phrases: &[Standing]) -> u64 {
    if phrases.len() < 2 {
        return 0;
    }
    let needed: usize = phrases.iter().map(|phrase| phrase.length).sum();
    let span = narrowest(phrases).max(needed).max(1);
    CLOSENESS * needed as u64 / span as u64
}

/// The terms of the shortest part of the text in which every phrase stands.
fn narrowest(phrases: &[Standing]) -> usize {
    let mut all: Vec<(usize, usize, usize)> = Vec::new();
    for (which, phrase) in phrases.iter().enumerate() {
        all.extend(phrase.at.iter().map(|at| (*at, at + phrase.length, which)));
    }
    all.sort_unstable();
    let mut counts = vec![0_usize; phrases.len()];
    let (mut missing, mut first, mut narrowest) = (phrases.len(), 0, usize::MAX);
    for (_, end, which) in &all {
        let Some(count) = counts.get_mut(*which) else { continue };
        missing -= usize::from(*count == 0);
        *count += 1;
        while missing == 0 {
            let Some((start, _, leaving)) = all.get(first) else { break };
            narrowest = narrowest.min(end.saturating_sub(*start));
            let Some(count) = counts.get_mut(*leaving) else { break };
            *count -= 1;
            missing += usize::from(*count == 0);
            first += 1;
        }
    }
    narrowest
}

#[cfg(test)]
mod tests {
    use super::super::{Phrase, matching::matched};

    fn score(text: &str, words: &[&str]) -> u32 {
        let words: Vec<Phrase> = words.iter().map(|word| Phrase::of(word, false).expect("it has terms")).collect();
        matched(text, &words, &[]).expect("it is there").score
    }

    #[test]
    fn a_text_is_the_more_relevant_the_oftener_nearer_and_shorter() {
        let long = format!("apple {}", "word ".repeat(50));
        assert!(score("apple", &["apple"]) > score(&long, &["apple"]));
        assert!(score("apple and apple again", &["apple"]) > score("apple and a pear again", &["apple"]));
        let near = score("there is an apple pie on the table today", &["apple", "pie"]);
        let far = score("apple there is on the table today a pie", &["apple", "pie"]);
        assert!(near > far);
        assert_eq!(near, score("there is a pie apple on the table today", &["apple", "pie"]), "in any order");
    }

    #[test]
    fn the_nearest_places_count_wherever_they_are() {
        let near = score("apple x x x x x x apple pie x x", &["apple", "pie"]);
        let far = score("apple pie x x x x x x x x apple", &["apple", "pie"]);
        assert_eq!(near, far);
    }

    #[test]
    fn a_text_without_end_has_a_score_too() {
        let text = "a b ".repeat(8_000);
        assert!(score(&text, &["a", "b", "a b"]) > 0);
    }
}
