//! Terms: what a text is cut into, for the index and for questions alike. This is the only place that cuts texts for
//! search, so whatever holds the index finds the same.
//!
//! A text is decomposed (NFKD), its case is folded, and diacritics are taken off; then it is cut at everything that is
//! no letter and no digit. So `l'eau` is `l` and `eau`, and `ann@example.com` is `ann`, `example` and `com`: a question
//! is cut in the same way, and its terms must stand one after another. Scripts that are written without spaces are cut
//! into pairs of neighbouring letters, the last letter of a run standing alone; an emoji is a term of its own.

use crate::names::{
    self,
    characters::{composed, decomposed, is_accent, is_combining, without_stroke},
};

/// The rules of this file. Whoever changes what a text is cut into gives it another number: indexes are then made anew.
const RULES: u32 = 2;
/// Letters of a term; what is longer is cut off, in texts and in questions.
const LONGEST: usize = 64;
/// Terms of one text; what comes after them is not found.
const MOST: usize = 16_000;
/// Bytes of all terms of one text.
const BYTES: usize = 262_144;

/// One term of a text. Its position is its place in the list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The letters, folded.
    pub text: String,
    /// Where it begins in the text, in Unicode scalar values.
    pub start: usize,
    /// Where it ends: the first scalar value that is not of it.
    pub end: usize,
    /// The kind of its script.
    pub kind: TermKind,
}

/// How terms of a script are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermKind {
    /// A word or a number.
    Word,
    /// Two neighbouring letters of a script without spaces.
    Pair,
    /// The last letter of a run in such a script.
    Last,
    /// An emoji or another symbol.
    Symbol,
}

/// The version that an index must have been made with to be used: the rules, and the versions of Unicode's tables.
#[must_use]
pub fn version() -> String {
    let std = char::UNICODE_VERSION;
    format!("{RULES}/{}.{}.{}/{}", std.0, std.1, std.2, names::VERSION)
}

/// Cuts a text into its terms, in their order.
#[must_use]
pub fn terms(text: &str) -> Vec<Term> {
    let letters = letters(text);
    let mut terms = Vec::new();
    let mut bytes = 0;
    let mut rest = letters.as_slice();
    while let Some(first) = rest.first() {
        let class = class(first.letter);
        let length = rest.iter().position(|next| !next.is_of(class)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length.max(1));
        rest = after;
        for term in cut(class, run) {
            bytes += term.text.len();
            if terms.len() == MOST || bytes > BYTES {
                return terms;
            }
            terms.push(term);
        }
    }
    terms
}

/// The class of a letter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Gap,
    Word,
    Spaceless,
    Symbol,
}

/// A folded letter, and the scalar values of the text that it stands for.
struct Letter {
    letter: char,
    start: usize,
    end: usize,
}

impl Letter {
    /// Whether it goes on with a run of this class. Marks belong to what they stand on.
    fn is_of(&self, run: Class) -> bool {
        let own = class(self.letter);
        own == run || (run != Class::Gap && own == Class::Word && is_combining(self.letter))
    }
}

/// The terms of a run of letters of one class.
fn cut(class: Class, run: &[Letter]) -> Vec<Term> {
    match class {
        Class::Gap => Vec::new(),
        Class::Word => term(run, TermKind::Word).into_iter().collect(),
        Class::Symbol => run.chunks(1).filter_map(|symbol| term(symbol, TermKind::Symbol)).collect(),
        Class::Spaceless => {
            let pairs = run.windows(2).filter_map(|pair| term(pair, TermKind::Pair));
            pairs.chain(run.last().and_then(|last| term(std::slice::from_ref(last), TermKind::Last))).collect()
        }
    }
}

fn term(letters: &[Letter], kind: TermKind) -> Option<Term> {
    let (first, last) = (letters.first()?, letters.last()?);
    let text = letters.iter().take(LONGEST).map(|letter| letter.letter).collect();
    Some(Term { text, start: first.start, end: last.end, kind })
}

/// The letters of a text, folded: everything that makes no difference is gone.
fn letters(text: &str) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        if c.is_ascii() || is_as_it_stands(c) {
            letters.push(Letter { letter: c.to_ascii_lowercase(), start: at, end: at + 1 });
        } else if !is_ignored(c) {
            decomposed(c, |part| {
                // Down, up and down again is what Unicode calls folding: ẞ, ß and SS become ss.
                let folded = part.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
                folded.for_each(|letter| push(&mut letters, letter, at));
            });
        }
    }
    letters
}

/// Han, kana and Hangul letters, which folding leaves as they are: most of a text in these scripts, told by their numbers
/// alone.
fn is_as_it_stands(c: char) -> bool {
    matches!(u32::from(c), 0x3041..=0x3096 | 0x30A1..=0x30FA | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7A3)
}

/// Adds a folded letter; a mark that makes another letter of the one before it (が, 한) goes into that one.
fn push(letters: &mut Vec<Letter>, letter: char, at: usize) {
    if is_accent(letter) {
        if let Some(last) = letters.last_mut() {
            last.end = at + 1;
        }
        return;
    }
    if let Some(last) = letters.last_mut()
        && let Some(whole) = composed(last.letter, letter)
    {
        (last.letter, last.end) = (whole, at + 1);
        return;
    }
    let Some(plain) = without_stroke(letter) else {
        return letters.push(Letter { letter, start: at, end: at + 1 });
    };
    letters.extend(plain.chars().map(|letter| Letter { letter, start: at, end: at + 1 }));
}

/// True for characters that nobody sees or hears, and for those that only change how something looks: joiners, marks of
/// direction, variants, tones of skin, and the Arabic stretching of a line.
fn is_ignored(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x640 | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8
        | 0x1F3FB..=0x1F3FF | 0xE0000..=0xE0FFF)
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Word } else { Class::Gap };
    }
    match u32::from(c) {
        // Thai, Lao, Tibetan, Myanmar, Khmer and their neighbours, without their digits.
        0xE01..=0xE3A | 0xE40..=0xE4E | 0xE81..=0xECE | 0xF40..=0xFBC | 0x1000..=0x103F | 0x1050..=0x108F
        | 0x1780..=0x17D3 | 0x1950..=0x19C9 | 0x1A20..=0x1A7C
        // Hangul, in which particles stand behind words without a space.
        | 0x1100..=0x11FF | 0xAC00..=0xD7A3
        // Kana, Bopomofo and Han.
        | 0x3005..=0x3007 | 0x3041..=0x3096 | 0x3099 | 0x309D..=0x309F | 0x30A1..=0x30FA | 0x30FC..=0x312F
        | 0x31A0..=0x31BF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF
        | 0x1B000..=0x1B16F | 0x2_0000..=0x3_23AF => Class::Spaceless,
        0x203C | 0x2049 | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x1F000..=0x1FAFF => {
            Class::Symbol
        }
        _ if c.is_alphanumeric() || is_combining(c) => Class::Word,
        _ => Class::Gap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts and their terms, with a space between them.
    const VECTORS: &[(&str, &str)] = &[
        ("", ""),
        ("  \n\t!?", ""),
        ("Hello, World", "hello world"),
        ("Élodie e\u{301}crit", "elodie ecrit"),
        ("Straße STRASSE ẞ", "strasse strasse ss"),
        ("L’eau d'été", "l eau d ete"),
        ("Łódź Ørsted œuvre", "lodz orsted oeuvre"),
        ("İstanbul ısı", "istanbul isi"),
        ("ΣΊΣΥΦΟΣ ς", "σισυφοσ σ"),
        ("Ёлка ёлка", "елка елка"),
        ("ﬁne ½ ①", "fine 1 2 1"),
        ("full-width ＡＢＣ", "full width abc"),
        ("kit\u{200B}chen soft\u{AD}hyphen", "kitchen softhyphen"),
        ("ann@example.com", "ann example com"),
        ("https://example.com/a_b?c=1", "https example com a b c 1"),
        ("snake_case std::vec 3.14", "snake case std vec 3 14"),
        ("你好吗", "你好 好吗 吗"),
        ("我在Paris工作", "我在 在 paris 工作 作"),
        ("東京タワー", "東京 京タ タワ ワー ー"),
        ("がカ\u{3099}ｶﾞ", "がガ ガガ ガ"),
        ("한국어", "한국 국어 어"),
        ("한", "한"),
        ("สวัสดี", "สว วั ัส สด ดี ี"),
        ("كِتَاب كتـــاب أحمد", "كتاب كتاب احمد"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी क़लम", "हिन्दी क़लम"),
        ("ok 👍🏽 🎉", "ok 👍 🎉"),
        ("👨‍👩‍👧 🇫🇷 ❤️", "👨 👩 👧 🇫 🇷 ❤"),
    ];

    #[test]
    fn texts_of_many_scripts_are_cut_as_they_should_be() {
        for (text, expected) in VECTORS {
            let found: Vec<String> = terms(text).into_iter().map(|term| term.text).collect();
            assert_eq!(found.join(" "), *expected, "{text:?}");
        }
    }

    #[test]
    fn a_term_knows_where_it_stands_in_the_text() {
        let text = "«E\u{301}té» à 東京!";
        let scalars: Vec<char> = text.chars().collect();
        let found: Vec<String> =
            terms(text).iter().map(|term| scalars[term.start..term.end].iter().collect()).collect();
        assert_eq!(found, ["E\u{301}té", "à", "東京", "京"]);
    }

    #[test]
    fn whatever_the_text_its_terms_are_bounded() {
        for text in ["ﷺ".repeat(10_000), "a".repeat(10_000), "a ".repeat(10_000), "語".repeat(10_000)] {
            let found = terms(&text);
            assert!(!found.is_empty() && found.len() <= MOST);
            assert!(found.iter().map(|term| term.text.len()).sum::<usize>() <= BYTES);
            assert!(found.iter().all(|term| term.text.chars().count() <= LONGEST));
        }
    }

    #[test]
    fn what_is_taken_as_it_stands_is_what_folding_makes_of_it() {
        for c in (0..=0x3_FFFF).filter_map(char::from_u32).filter(|c| is_as_it_stands(*c)) {
            let mut folded = Vec::new();
            decomposed(c, |part| push(&mut folded, part, 0));
            let folded: String = folded.iter().map(|letter| letter.letter).collect();
            assert_eq!(folded, c.to_string(), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn cutting_a_terms_own_letters_gives_that_term() {
        for (text, _) in VECTORS {
            for term in terms(text).iter().filter(|term| term.kind != TermKind::Pair) {
                let again: Vec<String> = terms(&term.text).into_iter().map(|term| term.text).collect();
                assert_eq!(again, [term.text.as_str()], "{text:?}");
            }
        }
    }
}
