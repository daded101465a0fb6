//! Properties of characters by Unicode's tables, as far as names and texts need them.

use icu_casemap::CaseMapper;
use icu_normalizer::{
    ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed,
    properties::{CanonicalCombiningClassMapBorrowed, CanonicalCompositionBorrowed},
};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier, EmojiModifierBase, EmojiPresentation,
        ExtendedPictographic, GeneralCategory, GeneralCategoryGroup, Ideographic, JoiningType, NoncharacterCodePoint,
        RegionalIndicator, Script,
    },
};

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
pub(crate) const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// How an emoji is shown: as a text, or as a picture.
pub(crate) const PRESENTATIONS: [char; 2] = ['\u{fe0e}', '\u{fe0f}'];
/// Characters that have a width and no ink, though Unicode counts them among symbols: the empty braille pattern, and a
/// note without a head.
const BLANK: [char; 2] = ['\u{2800}', '\u{1d159}'];

/// Composed, by canonical equivalence.
pub(super) fn nfc(text: &str) -> String {
    const { ComposingNormalizerBorrowed::new_nfc() }.normalize(text).into_owned()
}

/// Composed, by compatibility.
pub(super) fn nfkc(text: &str) -> String {
    const { ComposingNormalizerBorrowed::new_nfkc() }.normalize(text).into_owned()
}

/// Decomposed, by compatibility.
pub(super) fn nfkd(text: &str) -> String {
    const { DecomposingNormalizerBorrowed::new_nfkd() }.normalize(text).into_owned()
}

/// The same of one character, part by part.
pub(crate) fn decomposed(c: char, each: impl FnMut(char)) {
    let mut bytes = [0; 4];
    const { DecomposingNormalizerBorrowed::new_nfkd() }.normalize(c.encode_utf8(&mut bytes)).chars().for_each(each);
}

/// The character that two make together, by canonical equivalence.
pub(crate) fn composed(first: char, second: char) -> Option<char> {
    const { CanonicalCompositionBorrowed::new() }.compose(first, second)
}

/// Whether it is put above, below or through the character before it, in an order of its own among such marks.
pub(crate) fn is_combining(c: char) -> bool {
    const { CanonicalCombiningClassMapBorrowed::new() }.get_u8(c) != 0
}

/// Without case, by the full mappings.
pub(super) fn fold(text: &str) -> String {
    const { CaseMapper::new() }.fold_string(text).into_owned()
}

/// The skeleton of a text, by Unicode's confusables: texts that look alike have the same.
pub(super) fn skeleton(text: &str) -> String {
    unicode_security::confusable_detection::skeleton(text).collect()
}

fn category(c: char) -> GeneralCategory {
    const { CodePointMapData::<GeneralCategory>::new() }.get(c)
}

fn script(c: char) -> Script {
    const { CodePointMapData::<Script>::new() }.get(c)
}

/// Control characters, ends of lines and of paragraphs, and what will never be a character.
pub(super) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || const { CodePointSetData::new::<NoncharacterCodePoint>() }.contains(c)
}

/// True for characters that are not drawn: default-ignorable characters, among them all that turn the direction, the
/// marks of interlinear annotations, and the place of an object that is not there.
pub(super) fn is_invisible(c: char) -> bool {
    const { CodePointSetData::new::<DefaultIgnorableCodePoint>() }.contains(c) || matches!(c, '\u{fff9}'..='\u{fffc}')
}

/// A space of any width.
pub(super) fn is_space(c: char) -> bool {
    category(c) == GeneralCategory::SpaceSeparator
}

/// Punctuation of any kind.
pub(crate) fn is_punctuation(c: char) -> bool {
    GeneralCategoryGroup::Punctuation.contains(category(c))
}

/// White space, and what has a width and no ink.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || BLANK.contains(&c)
}

/// True for characters that one can see by themselves: no space, no control or format character, no mark that needs a
/// letter, and none of those for private use, of which every font makes something else or nothing.
pub(super) fn is_visible(c: char) -> bool {
    let unseen = GeneralCategoryGroup::Separator.union(GeneralCategoryGroup::Mark).union(GeneralCategoryGroup::Control);
    let unseen_itself = matches!(category(c), GeneralCategory::Format | GeneralCategory::PrivateUse);
    !unseen.contains(category(c)) && !unseen_itself && !is_invisible(c) && !BLANK.contains(&c)
}

/// A mark upon the character before it.
pub(super) fn is_mark(c: char) -> bool {
    matches!(category(c), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

/// A mark that people leave out when they search: accents of the European scripts, points of Hebrew and Arabic. The
/// vowel signs of Indic scripts and the voicing of Japanese are no such marks.
pub(crate) fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
        && is_mark(c)
}

/// Letters that are written with a stroke or joined, which no normal form takes apart, as people type them who do not
/// have them.
pub(crate) fn without_stroke(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// A letter or digit, or a mark upon one.
pub(super) fn is_word_part(c: char) -> bool {
    is_letter_mark_or_number(c) || c.is_alphanumeric()
}

/// A character that is a word by itself: of scripts that put no spaces between words, and symbols such as emoji.
pub(super) fn is_single_word(c: char) -> bool {
    GeneralCategoryGroup::Symbol.contains(category(c))
        || matches!(
            script(c),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Bopomofo
                | Script::Hangul
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
        )
}

/// Whether an invisible character says something where it stands: it joins or parts letters that are written together,
/// chooses the form of an ideograph, or belongs to an emoji.
pub(super) fn has_sense(chars: &[char], at: usize) -> bool {
    let (Some(c), before) = (chars.get(at).copied(), chars.get(..at).unwrap_or_default()) else { return false };
    let after = chars.get(at + 1..).unwrap_or_default();
    let last = before.last().copied();
    match c {
        ZERO_WIDTH_JOINER if joins_emoji(before, after) => true,
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => joins_letters(before, after),
        '\u{fe0e}' | '\u{fe0f}' => last.is_some_and(is_emoji),
        '\u{fe00}'..='\u{fe0d}' | '\u{e0100}'..='\u{e01ef}' => last.is_some_and(is_ideograph),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => last.is_some_and(|c| script(c) == Script::Mongolian),
        TAG_FIRST..=TAG_END => belongs_to_flag(before, c, after),
        _ => false,
    }
}

pub(crate) const BLACK_FLAG: char = '\u{1f3f4}';
pub(crate) const TAG_FIRST: char = '\u{e0020}';
pub(crate) const TAG_END: char = '\u{e007f}';

/// The flags of regions are spelt in tags behind a black flag.
fn belongs_to_flag(before: &[char], tag: char, after: &[char]) -> bool {
    let Some(base) = before.iter().rposition(|c| !(TAG_FIRST..TAG_END).contains(c)) else { return false };
    let spelt = before.iter().skip(base + 1).chain([&tag]).chain(after);
    let tags: Vec<char> = spelt.clone().copied().take_while(|c| (TAG_FIRST..TAG_END).contains(c)).collect();
    before.get(base) == Some(&BLACK_FLAG) && is_region(&tags) && spelt.copied().nth(tags.len()) == Some(TAG_END)
}

/// Whether tags can be the code of a region: three to six small letters and digits. Others would hide a text.
pub(crate) fn is_region(tags: &[char]) -> bool {
    (3..=6).contains(&tags.len())
        && tags.iter().all(|c| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}'))
}

fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let bare = |c: &&char| !PRESENTATIONS.contains(c) && !is_emoji_modifier(**c);
    before.iter().rev().find(bare).is_some_and(|c| is_pictographic(*c) || *c == TAG_END)
        && after.first().is_some_and(|c| is_pictographic(*c))
}

/// The rules of RFC 5892, A.1 and A.2, and a joiner before a virama, as Bengali has it.
fn joins_letters(before: &[char], after: &[char]) -> bool {
    let virama = |c: &char| {
        const { CodePointMapData::<CanonicalCombiningClass>::new() }.get(*c) == CanonicalCombiningClass::Virama
    };
    let (Some(last), Some(next)) = (before.last(), after.first()) else { return false };
    if virama(last) || (virama(next) && is_word_part(*last)) {
        return true;
    }
    let joining = |c: &char| const { CodePointMapData::<JoiningType>::new() }.get(*c);
    let see_through = |c: &&char| joining(c) == JoiningType::Transparent;
    let left = before.iter().rev().find(|c| !see_through(c)).map(joining);
    let right = after.iter().find(|c| !see_through(c)).map(joining);
    matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

fn is_ideograph(c: char) -> bool {
    const { CodePointSetData::new::<Ideographic>() }.contains(c)
}

fn is_pictographic(c: char) -> bool {
    const { CodePointSetData::new::<ExtendedPictographic>() }.contains(c)
}

/// Whether it can be an emoji; digits can, with a key's cap around them.
pub(crate) fn is_emoji(c: char) -> bool {
    const { CodePointSetData::new::<Emoji>() }.contains(c)
}

/// True for characters that can have a tone of skin.
pub(crate) fn takes_tone(c: char) -> bool {
    const { CodePointSetData::new::<EmojiModifierBase>() }.contains(c)
}

/// A tone of skin.
pub(crate) fn is_emoji_modifier(c: char) -> bool {
    const { CodePointSetData::new::<EmojiModifier>() }.contains(c)
}

/// Whether it is shown as a picture by itself.
pub(crate) fn is_picture(c: char) -> bool {
    const { CodePointSetData::new::<EmojiPresentation>() }.contains(c)
}

/// Of the letters of which two are a flag.
pub(crate) fn is_regional(c: char) -> bool {
    const { CodePointSetData::new::<RegionalIndicator>() }.contains(c)
}

/// A letter, a mark of any kind, or a number.
pub(crate) fn is_letter_mark_or_number(c: char) -> bool {
    let parts = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number).union(GeneralCategoryGroup::Mark);
    parts.contains(category(c))
}

/// A mark of any kind.
pub(crate) fn is_any_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(category(c))
}

/// A format character.
pub(crate) fn is_format(c: char) -> bool {
    category(c) == GeneralCategory::Format
}
