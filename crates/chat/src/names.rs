//! The forms of a name: the one that is kept and shown, and those by which names are compared and found.
//!
//! This is the only place that decides whether two names are one. What it needs to know of characters comes from
//! Unicode's tables ([`characters`]); whoever keeps a key that was made here keeps [`VERSION`] beside it.

pub(crate) mod characters;
#[cfg(test)]
mod tests;

use std::fmt;

use characters::{
    fold, is_accent, is_any_mark, is_blank, is_invisible, is_mark, is_punctuation, is_single_word, is_visible,
    is_word_part, nfc, nfkc, nfkd, skeleton,
};

/// Of which tables and rules the keys of names are. Keys of another version are made anew.
pub const VERSION: &str = "3, Unicode 17";
/// Marks in a row upon one character, at most. No language needs more; more overflow the line.
const MARKS: usize = 8;

/// Signs that whoever types them means: what has one is looked for as it is written. All others are between words.
const IN_WORDS: [char; 3] = ['_', '%', '\\'];

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Nothing of it can be seen.
    Blank,
    /// It has this control character, or end of line: a name stands on one line.
    Control(char),
    /// It has more than eight marks in a row.
    Marks,
}

/// Says what is wrong, in a sentence that begins with the field's name.
impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("must have at least one visible character"),
            Self::Control(c) => {
                write!(f, "must not hold control characters or ends of lines; it has U+{:04X}", *c as u32)
            }
            Self::Marks => write!(f, "must not have more than {MARKS} combining marks in a row"),
        }
    }
}

/// The form in which a name is kept and shown: NFC, without invisible characters and signs that turn the direction of
/// what stands beside it, with single spaces inside and none at its ends. Joiners and variation selectors stay where
/// the writing needs them: in Persian and Indic words, after ideographs and in emoji.
///
/// # Errors
/// Why it cannot be a name.
pub fn stored(raw: &str) -> Result<String, Unfit> {
    let trimmed = raw.trim();
    if let Some(control) = trimmed.chars().find(|c| characters::is_control(*c)) {
        return Err(Unfit::Control(control));
    }
    let name = shown(trimmed);
    if !name.chars().any(is_visible) {
        return Err(Unfit::Blank);
    }
    if has_many_marks(&name) {
        return Err(Unfit::Marks);
    }
    Ok(name)
}

/// [`stored`] of a text that may have several lines, such as a topic. Line by line; empty if nothing of it can be seen.
///
/// # Errors
/// Why it cannot be kept.
pub fn stored_lines(raw: &str) -> Result<String, Unfit> {
    let mut lines = Vec::new();
    let ends = |c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    for line in raw.replace("\r\n", "\n").split(ends) {
        match stored(&line.replace(['\t', '\u{b}', '\u{c}'], " ")) {
            Ok(line) => lines.push(line),
            Err(Unfit::Blank) => lines.push(String::new()),
            Err(unfit) => return Err(unfit),
        }
    }
    Ok(lines.join("\n").trim().to_owned())
}

/// The form of a name that was kept before there were these rules: [`stored`], with what would be refused taken out.
/// None if nothing is left of it.
#[must_use]
pub fn mended(kept: &str) -> Option<String> {
    let without: String = kept.chars().map(|c| if characters::is_control(c) { ' ' } else { c }).collect();
    let mut marks = 0;
    let name: String = shown(without.trim())
        .chars()
        .filter(|c| {
            marks = counted(marks, *c);
            marks <= MARKS
        })
        .collect();
    name.chars().any(is_visible).then_some(name)
}

/// Without what cannot be seen, and with single spaces.
fn shown(text: &str) -> String {
    let composed = nfc(text);
    let chars: Vec<char> = composed.chars().collect();
    let seen = chars.iter().enumerate().filter(|(at, c)| !is_invisible(**c) || characters::has_sense(&chars, *at));
    // A mark at the beginning would stand on whatever is before the name.
    nfc(spaced(seen.map(|(_, c)| *c)).trim_start_matches(|c| c == ' ' || is_any_mark(c)))
}

/// With one space in the place of all blanks in a row, and none at the ends.
fn spaced(chars: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    let mut between = false;
    for c in chars {
        if is_blank(c) {
            between = !text.is_empty();
        } else {
            if std::mem::take(&mut between) {
                text.push(' ');
            }
            text.push(c);
        }
    }
    text
}

/// How many marks stand in a row with this character. What cannot be seen parts no row.
fn counted(marks: usize, c: char) -> usize {
    match c {
        c if is_invisible(c) => marks,
        c if is_any_mark(c) => marks + 1,
        _ => 0,
    }
}

fn has_many_marks(name: &str) -> bool {
    let mut marks = 0;
    // A letter that was composed holds a mark already.
    nfkd(name).chars().any(|c| {
        marks = counted(marks, c);
        marks > MARKS
    })
}

/// Whether a text has anything to be seen in it.
#[must_use]
pub fn has_visible(text: &str) -> bool {
    text.chars().any(is_visible)
}

/// Whether a character is not drawn, or turns the direction of others.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    is_invisible(c)
}

/// The form in which a password is hashed: NFC, with plain spaces for all others, as OpaqueString of RFC 8265 has it.
#[must_use]
pub fn opaque(password: &str) -> String {
    nfc(&password.chars().map(|c| if characters::is_space(c) { ' ' } else { c }).collect::<String>())
}

/// The form in which names are compared: NFKC, case-folded, without what cannot be seen. Two names are one if their
/// compared forms are equal.
#[must_use]
pub fn compared(name: &str) -> String {
    // Of visible ASCII, as most names are, nothing but the case changes.
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return name.to_ascii_lowercase();
    }
    compared_by_tables(name)
}

fn compared_by_tables(name: &str) -> String {
    let mut text = nfkc(name);
    // Folding can open what composing closes again, and the reverse; it comes to an end after two rounds.
    for _ in 0..3 {
        let next = nfkc(&spaced(fold(&text).chars().filter(|c| !is_invisible(*c))));
        if next == text {
            break;
        }
        text = next;
    }
    text
}

/// The form that is equal for names that look alike: the skeleton of Unicode's confusables (UTS 39) of a name as it is
/// written, without case.
///
/// The skeleton is of capital and small letters as they were written, because `I` looks like `l` and `i` does not; it is
/// taken again of the folded one, so that `ROOM` and `room` are alike (small `m` looks like `rn`).
#[must_use]
pub fn look_alike(name: &str) -> String {
    let written = spaced(nfkc(name).chars().filter(|c| !is_invisible(*c)));
    fold(&skeleton(&fold(&skeleton(&written))))
}

/// The key by which a name is found: [`words`] of all these names, each preceded by a space. `" ann"` is in it if a
/// word begins with `ann`.
#[must_use]
pub fn search_key<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut key = String::new();
    let mut seen = Vec::new();
    for name in names {
        for chunk in without_accents(name).split(' ').filter(|chunk| !chunk.is_empty()) {
            let words = cut(chunk);
            // `O'Brien` is found as `brien`, `obrien` and `o'brien`.
            // And what stands in brackets or quotes without them.
            let bare = chunk.trim_matches(is_punctuation).to_owned();
            for word in words.iter().cloned().chain([words.concat(), chunk.to_owned(), bare]) {
                if !word.is_empty() && !seen.contains(&word) {
                    key.push(' ');
                    key.push_str(&word);
                    seen.push(word);
                }
            }
        }
    }
    key
}

/// The words that are looked for, each of which a word of the name must begin with. A name is found if its
/// [`search_key`] holds all of them after a space.
#[must_use]
pub fn words(search: &str) -> Vec<String> {
    let mut found = Vec::new();
    for chunk in without_accents(search).split(' ').filter(|chunk| !chunk.is_empty()) {
        let words = cut(chunk);
        let as_written = words.is_empty() || chunk.contains(IN_WORDS);
        let words = if as_written { vec![chunk.to_owned()] } else { words };
        for word in words {
            if !found.contains(&word) {
                found.push(word);
            }
        }
    }
    found
}

/// The compared form without accents and the strokes of letters: who looks for `Lukasz` finds `Łukasz`.
fn without_accents(name: &str) -> String {
    let mut bare = String::new();
    for c in nfkd(&compared(name)).chars().filter(|c| !is_accent(*c)) {
        match characters::without_stroke(c) {
            Some(letters) => bare.push_str(letters),
            None => bare.push(c),
        }
    }
    nfc(&bare)
}

/// The words of a text without spaces. Scripts that put no spaces between words have a word for each character.
fn cut(chunk: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in chunk.chars() {
        if !is_mark(c) && (is_single_word(c) || !is_word_part(c)) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if is_single_word(c) || is_word_part(c) {
            word.push(c);
        }
        if is_single_word(c) && !is_mark(c) {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
