//! Reactions: one emoji by one person on one message, at most once.

use crate::{
    UserId,
    names::characters::{
        BLACK_FLAG, PRESENTATIONS, TAG_END, ZERO_WIDTH_JOINER, is_emoji, is_emoji_modifier, is_picture, is_region,
        is_regional, takes_tone,
    },
    people::NamesPeople,
};

/// All the people who reacted to a message with the same emoji.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Reaction {
    /// The emoji, in the form of [`emoji`]; reactions from before there was one are as they were sent.
    pub emoji: String,
    /// Who used it, in order.
    pub users: Vec<UserId>,
}

const PICTURE: char = '\u{fe0f}';
const KEY_CAP: char = '\u{20e3}';

/// The one form of an emoji, however it was written, if the text is one emoji and nothing else. It is the fully qualified
/// form of UTS 51: a character that is shown as a text by itself is followed by U+FE0F, all others are not.
///
/// By the grammar of UTS 51 (definition ED-17), so that emoji work that are newer than the tables' sequences.
#[must_use]
pub fn emoji(text: &str) -> Option<String> {
    // A selector of a presentation stands behind a character and nowhere else.
    if text.split(ZERO_WIDTH_JOINER).any(|element| element.starts_with(PRESENTATIONS)) {
        return None;
    }
    let chars: Vec<char> = text.chars().filter(|c| !PRESENTATIONS.contains(c)).collect();
    match *chars.as_slice() {
        [key, KEY_CAP] if is_key(key) => return Some([key, PICTURE, KEY_CAP].iter().collect()),
        [first, second] if is_regional(first) && is_regional(second) => return Some(chars.iter().collect()),
        _ => {}
    }
    let mut form = String::new();
    for (at, element) in chars.split(|c| *c == ZERO_WIDTH_JOINER).enumerate() {
        if at > 0 {
            form.push(ZERO_WIDTH_JOINER);
        }
        put_element(&mut form, element)?;
    }
    Some(form)
}

/// One of what joiners put together: a character, perhaps with a tone of skin or the tags of a region.
fn put_element(form: &mut String, element: &[char]) -> Option<()> {
    let (base, rest) = element.split_first()?;
    if !is_emoji(*base) || is_key(*base) || is_regional(*base) {
        return None;
    }
    form.push(*base);
    match rest {
        [] if !is_picture(*base) => form.push(PICTURE),
        [] => {}
        [tone] if is_emoji_modifier(*tone) && takes_tone(*base) => form.push(*tone),
        [tags @ .., TAG_END] if *base == BLACK_FLAG && is_region(tags) => form.extend(rest),
        _ => return None,
    }
    Some(())
}

/// True for characters that can stand on a key: they are an emoji with its cap only.
fn is_key(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '#' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_hides_no_text_in_its_tags() {
        let flag = |tags: &str| -> String {
            let tags = tags.chars().filter_map(|c| char::from_u32(0xe0000 + c as u32));
            std::iter::once('\u{1f3f4}').chain(tags).chain(['\u{e007f}']).collect()
        };
        assert!(emoji(&flag("gbeng")).is_some());
        for hidden in ["A", "HELLO WORLD", "ab", "abcdefg"] {
            assert_eq!(emoji(&flag(hidden)), None, "{hidden}");
        }
    }

    #[test]
    fn an_emoji_has_one_form_in_all_its_presentations() {
        for (forms, wanted) in [
            (&["👍"][..], "👍"),
            (&["❤", "❤\u{fe0f}", "❤\u{fe0e}"], "❤\u{fe0f}"),
            (&["👍\u{fe0f}", "👍\u{fe0e}"], "👍"),
            (&["1\u{20e3}", "1\u{fe0f}\u{20e3}"], "1\u{fe0f}\u{20e3}"),
            (&["🏳\u{200d}🌈", "🏳\u{fe0f}\u{200d}🌈"], "🏳\u{fe0f}\u{200d}🌈"),
            (&["👩\u{200d}❤\u{200d}👨", "👩\u{200d}❤\u{fe0f}\u{200d}👨"], "👩\u{200d}❤\u{fe0f}\u{200d}👨"),
            (&["⛹🏽\u{200d}♂", "⛹🏽\u{200d}♂\u{fe0f}"], "⛹🏽\u{200d}♂\u{fe0f}"),
            (&["☝🏿", "☝\u{fe0f}🏿"], "☝🏿"),
            (&["🇫🇷"], "🇫🇷"),
            (&["©"], "©\u{fe0f}"),
            (
                &["🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"],
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            ),
        ] {
            for form in forms {
                assert_eq!(emoji(form).as_deref(), Some(wanted), "{form}");
            }
            assert_eq!(emoji(wanted).as_deref(), Some(wanted), "the form of a form is itself");
        }
    }

    #[test]
    fn tones_of_skin_are_emoji_of_their_own() {
        assert_ne!(emoji("👍"), emoji("👍🏽"));
        assert_ne!(emoji("👍🏽"), emoji("👍🏿"));
    }

    #[test]
    fn a_text_is_no_emoji_and_two_are_not_one() {
        for bad in [
            "",
            " ",
            "a",
            "lol",
            ":+1:",
            "+1",
            "1",
            "#",
            "12",
            "👍👍",
            "🚗🏽",
            "🐶🏿",
            "❤🏽",
            "🏽🏽",
            "👍 ",
            " 👍",
            "a👍",
            "👍a",
            "é",
            "🇫",
            "🇫🇷🇩🇪",
            "\u{fe0f}",
            "\u{200d}",
            "👍\u{200d}",
            "\u{200d}👍",
            "👍\u{200d}\u{200d}👍",
            "\u{fe0f}👍",
            "👩\u{200d}\u{fe0f}👨",
            "👍🏽🏽",
            "😀\u{301}",
            "🏴\u{e0067}",
            "🏴\u{e007f}",
            "😀\u{e0067}\u{e007f}",
            "\u{20e3}",
            "a\u{20e3}",
            "你",
            "→",
            "\u{2800}",
            "a\nb",
        ] {
            assert_eq!(emoji(bad), None, "{bad:?}");
        }
    }
}
