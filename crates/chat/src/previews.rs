//! Previews of links: what the page behind a message's first link says of itself.

use crate::{
    files::File,
    names,
    people::NamesPeople,
    text::{self, Meaning, Part},
};

/// Characters of a site's name.
pub const SITE_LENGTH: usize = 80;
/// Characters of a title.
pub const TITLE_LENGTH: usize = 200;
/// Characters of a description.
pub const DESCRIPTION_LENGTH: usize = 400;
/// Bytes of a link that is previewed; a longer one is none that a person wrote.
pub const LINK_LENGTH: usize = 2_048;

/// The preview of a page, by the page's own words. It never changes: a page is looked at once.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Preview {
    /// The link, as the text has it.
    pub url: String,
    /// The site's name.
    pub site: Option<String>,
    /// The page's title.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// Its picture, which is a file of ours: whoever may read the message may read it.
    pub image: Option<File>,
}

/// The first link to a page in a text, with its scheme; none in code, and none in what was quoted, which somebody else
/// has said before.
#[must_use]
pub fn first_link(text: &str) -> Option<String> {
    // Most texts have none, and their parts need not be read.
    let may_have_one = text.contains("://") || text.contains("www.") || text.contains("WWW.");
    if may_have_one { first_of(&text::parts(text)) } else { None }
}

fn first_of(parts: &[Part<'_>]) -> Option<String> {
    parts.iter().find_map(|part| match &part.meaning {
        Meaning::Quote => None,
        Meaning::Link(target) if leads_to_a_page(target) => Some(target.clone()),
        _ => first_of(&part.parts),
    })
}

fn leads_to_a_page(target: &str) -> bool {
    let begins = |scheme: &str| target.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    target.len() <= LINK_LENGTH && (begins("https://") || begins("http://"))
}

/// A text of a page in the form in which it is shown beside others: on one line, without characters that cannot be seen
/// or turn the direction of what stands beside them, and of so many characters at most. None if nothing of it is left.
#[must_use]
pub fn cleaned(text: &str, most: usize) -> Option<String> {
    // Much may be taken out; but nobody reads a text that begins behind all that.
    let beginning: String = text.chars().take(most.saturating_mul(20)).collect();
    let whole = names::mended(&beginning)?;
    if whole.chars().count() <= most {
        return Some(whole);
    }
    let cut: String = whole.chars().take(most.saturating_sub(1)).collect();
    Some(format!("{}…", cut.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_link_of_what_somebody_says_is_found() {
        for (text, link) in [
            ("look: https://a.example/b?c=d#e, or https://b.example", Some("https://a.example/b?c=d#e")),
            ("HTTP://A.example/", Some("HTTP://A.example/")),
            ("www.a.example/b", Some("https://www.a.example/b")),
            ("[the page](https://a.example/)", Some("https://a.example/")),
            ("- one\n- **https://a.example/**", Some("https://a.example/")),
            ("看https://a.example看", Some("https://a.example")),
            ("# https://a.example/", Some("https://a.example/")),
            ("> https://quoted.example/\nhttps://own.example/", Some("https://own.example/")),
            ("> https://quoted.example/", None),
            ("`https://code.example/`", None),
            ("```\nhttps://code.example/\n```", None),
            ("mailto:ann@a.example and ann@a.example", None),
            ("ftp://a.example/ and https://", None),
            ("no link", None),
        ] {
            assert_eq!(first_link(text).as_deref(), link, "{text}");
        }
    }

    #[test]
    fn a_link_may_be_as_long_as_its_bound_and_no_longer() {
        let link = |length: usize| format!("https://a.example/{}", "a".repeat(length - 18));
        assert_eq!(first_link(&link(LINK_LENGTH)), Some(link(LINK_LENGTH)));
        assert_eq!(first_link(&link(LINK_LENGTH + 1)), None);
    }

    #[test]
    fn what_a_page_says_is_made_fit_to_stand_beside_other_text() {
        for (said, shown) in [
            ("  A \n\t title ", Some("A title")),
            ("a\u{202e}b\u{200b}c\u{0}d", Some("abc d")),
            ("123456789", Some("123456789")),
            ("1234567890", Some("1234567890")),
            ("12345678901", Some("123456789…")),
            ("12345678 901", Some("12345678…")),
            ("标题标题标题标题标题标", Some("标题标题标题标题标…")),
            (" \u{200b}\u{202e}", None),
            ("", None),
        ] {
            assert_eq!(cleaned(said, 10).as_deref(), shown, "{said:?}");
        }
    }
}
