//! Characters, as the grammar of texts tells them apart.

use crate::names::characters;

/// Scripts in which words are written without spaces between them, or with other words grown on to them: Thai, Lao,
/// Myanmar, Khmer, Chinese, Japanese, Korean. By ranges, so that every client knows the same, whatever its tables.
const UNSPACED: &[(char, char)] = &[
    ('\u{0e00}', '\u{0eff}'),
    ('\u{1000}', '\u{109f}'),
    ('\u{1100}', '\u{11ff}'),
    ('\u{1780}', '\u{17ff}'),
    ('\u{19e0}', '\u{19ff}'),
    ('\u{2e80}', '\u{2fdf}'),
    ('\u{3005}', '\u{3007}'),
    ('\u{3021}', '\u{3029}'),
    ('\u{3031}', '\u{3035}'),
    ('\u{3038}', '\u{303c}'),
    ('\u{3040}', '\u{30fa}'),
    ('\u{30fc}', '\u{318f}'),
    ('\u{31a0}', '\u{31bf}'),
    ('\u{31f0}', '\u{31ff}'),
    ('\u{3400}', '\u{4dbf}'),
    ('\u{4e00}', '\u{9fff}'),
    ('\u{a960}', '\u{a97f}'),
    ('\u{a9e0}', '\u{a9ff}'),
    ('\u{aa60}', '\u{aa7f}'),
    ('\u{ac00}', '\u{d7ff}'),
    ('\u{f900}', '\u{faff}'),
    ('\u{ff66}', '\u{ffdc}'),
    ('\u{1aff0}', '\u{1b16f}'),
    ('\u{20000}', '\u{3ffff}'),
];

/// Punctuation that ends a link wherever it stands: no address has it as it is.
const ENDING: &[(char, char)] = &[
    ('\u{2014}', '\u{2014}'),
    ('\u{201c}', '\u{201f}'),
    ('\u{2026}', '\u{2026}'),
    ('\u{2039}', '\u{203a}'),
    ('\u{3001}', '\u{3004}'),
    ('\u{3008}', '\u{3020}'),
    ('\u{3030}', '\u{3030}'),
    ('\u{3036}', '\u{3037}'),
    ('\u{303d}', '\u{303f}'),
    ('\u{30fb}', '\u{30fb}'),
    ('\u{fe10}', '\u{fe1f}'),
    ('\u{fe30}', '\u{fe6f}'),
    ('\u{ff01}', '\u{ff0f}'),
    ('\u{ff1a}', '\u{ff20}'),
    ('\u{ff3b}', '\u{ff40}'),
    ('\u{ff5b}', '\u{ff65}'),
];

fn is_in(ranges: &[(char, char)], c: char) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// A character of a script whose words stand without spaces.
pub(super) fn is_unspaced(c: char) -> bool {
    is_in(UNSPACED, c)
}

/// A letter, a mark, a digit or `_`.
pub(super) fn is_word(c: char) -> bool {
    c == '_' || if c.is_ascii() { c.is_ascii_alphanumeric() } else { characters::is_letter_mark_or_number(c) }
}

/// A mark of any kind.
pub(super) fn is_mark(c: char) -> bool {
    !c.is_ascii() && characters::is_any_mark(c)
}

/// Punctuation of any script but ASCII's.
pub(super) fn is_sign(c: char) -> bool {
    !c.is_ascii() && characters::is_punctuation(c)
}

/// True for characters that no link goes beyond.
pub(super) fn ends_link(c: char) -> bool {
    c.is_whitespace()
        || c == '\u{feff}'
        || matches!(c, '<' | '>' | '"' | '`' | '«' | '»')
        || c.is_control()
        || (!c.is_ascii() && (characters::is_format(c) || is_in(ENDING, c)))
}
