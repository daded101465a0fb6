//! Passwords that are too easy to guess: whoever guesses begins with these.

use chat::{Error, Result, names};

/// 39,772 of the commonest passwords, 16,290 of them of eight and more characters, in small letters and in the order of
/// their bytes: the lists of Django (BSD licence) and zxcvbn (MIT licence) put together.
const COMMON: &str = include_str!("common.txt");
/// The most characters before or after a word that do not make it harder to guess: `Summer2024!`.
const TRIMMINGS: usize = 5;
/// A repeated piece of up to this many characters is refused, up to a length that nobody tries.
const PIECE: usize = 4;
const REPEATED: usize = 64;

/// Names that somebody who guesses at this account tries: those of the account and of the server.
pub(crate) struct About<'a> {
    pub username: &'a str,
    pub email: Option<&'a str>,
    pub server: &'a str,
}

/// Refuses a password that is too short, too long, too common, or a name that belongs to the account.
///
/// # Errors
/// `invalid`, with what is wrong.
pub(crate) fn check(field: &str, password: &str, about: &About<'_>) -> Result<()> {
    let password = &*names::opaque(password);
    let length = password.chars().count();
    if !(8..=256).contains(&length) {
        return Err(Error::invalid(field, format!("{field} must have 8 to 256 characters.")));
    }
    if password.contains('\0') {
        return Err(Error::invalid(field, format!("{field} must not hold the NUL character.")));
    }
    if is_easy(password, about) {
        return Err(Error::invalid(field, format!("{field} is too easy to guess; choose another.")));
    }
    Ok(())
}

fn is_easy(password: &str, about: &About<'_>) -> bool {
    let forwards = names::compared(password);
    if forwards.is_empty() {
        return true;
    }
    let backwards: String = forwards.chars().rev().collect();
    // `p a s s w o r d`, `pass-word`
    let joined: String = forwards.chars().filter(|c| c.is_alphanumeric()).collect();
    let names: Vec<String> = names(about);
    [forwards, backwards, joined].iter().filter(|text| !text.is_empty()).any(|text| {
        is_repeated(text)
            || is_a_row(text)
            || cores(text).any(|core| is_common(core) || names.iter().any(|name| name == core))
    })
}

fn names(about: &About<'_>) -> Vec<String> {
    let local = about.email.and_then(|email| email.split('@').next());
    [Some(about.username), about.email, local, Some(about.server)]
        .into_iter()
        .flatten()
        // Shorter than what trimmings can make of it, it cannot be all of a password.
        .filter(|name| name.chars().count() >= 3)
        .map(names::compared)
        .collect()
}

/// The text itself, the text with fewer and fewer digits and signs at its ends (they may belong to a name), and the
/// half that it repeats.
fn cores(text: &str) -> impl Iterator<Item = &str> {
    let fronts = trimmed(text, |text| text.strip_prefix(is_trimming));
    let cores = fronts.flat_map(|text| trimmed(text, |text| text.strip_suffix(is_trimming)));
    let half = text.get(..text.len() / 2).filter(|half| text.get(half.len()..) == Some(half));
    cores.chain(half).filter(|core| !core.is_empty())
}

fn is_trimming(c: char) -> bool {
    !c.is_alphabetic()
}

/// The text, and the text with one to [`TRIMMINGS`] characters removed at one end.
fn trimmed<'a>(text: &'a str, less: impl Fn(&'a str) -> Option<&'a str>) -> impl Iterator<Item = &'a str> {
    std::iter::successors(Some(text), move |text| less(text)).take(TRIMMINGS + 1)
}

fn is_common(text: &str) -> bool {
    // A binary search in the text itself: an index would take as much memory again.
    let mut rest = COMMON;
    while !rest.is_empty() {
        let middle = rest.get(..rest.len() / 2).or_else(|| rest.get(..rest.len() / 2 + 1));
        let begin = middle.and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let Some((word, after)) = rest.get(begin..).and_then(|line| line.split_once('\n')) else { return false };
        match text.cmp(word) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = rest.get(..begin).unwrap_or_default(),
            std::cmp::Ordering::Greater => rest = after,
        }
    }
    false
}

/// `aaaaaaaa`, `abcabcabc`, `1212121212`.
fn is_repeated(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.len() <= REPEATED
        && (1..=PIECE).any(|period| chars.iter().zip(chars.iter().skip(period)).all(|(one, next)| one == next))
}

/// `abcdefgh`, `23456789`.
fn is_a_row(text: &str) -> bool {
    text.chars().zip(text.chars().skip(1)).all(|(one, next)| u32::from(next) == u32::from(one) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: About<'static> =
        About { username: "Annabel", email: Some("bell.tower@example.org"), server: "The Village" };

    fn refused(password: &str) -> bool {
        check("password", password, &ANN).is_err()
    }

    #[test]
    fn every_password_of_the_list_that_is_long_enough_is_refused() {
        let long: Vec<&str> = COMMON.lines().filter(|word| word.chars().count() >= 8).collect();
        assert!(long.len() > 10_000);
        for word in long {
            assert!(refused(word), "{word}");
        }
        assert!(COMMON.ends_with('\n'));
        assert!(COMMON.lines().is_sorted(), "it is searched by halves");
    }

    #[test]
    fn a_common_password_is_refused_in_capitals_backwards_twice_and_with_trimmings() {
        for easy in [
            "PassWord",
            "drowssap",
            "dragondragon",
            "Dragon2024!",
            "123monkey",
            "!!sunshine!!",
            "aaaaaaaa",
            "абабабаб",
            "abcdefgh",
            "87654321",
            "12121212121212",
            "hgfedcba",
            "motdepasse",
            "Azerty123",
            "liverpool99",
            "p a s s w o r d",
            "pass-word",
            "ｐａｓｓｗｏｒｄ",
            "pass\u{200b}word",
            "        ",
            "\u{200b}\u{2060}\u{200b}\u{2060}\u{200b}\u{2060}\u{200b}\u{2060}",
        ] {
            assert!(refused(easy), "{easy}");
        }
    }

    #[test]
    fn digits_that_belong_to_a_name_are_not_taken_for_trimmings() {
        let about = About { username: "anna1985", email: None, server: "The Village" };
        for easy in ["anna1985123", "1anna1985", "anna1985!", "anna198512345"] {
            assert!(check("password", easy, &about).is_err(), "{easy}");
        }
        assert!(check("password", "anna1985123456", &about).is_ok(), "six are more than a few");
    }

    #[test]
    fn the_names_of_the_account_and_of_the_server_are_refused() {
        for easy in [
            "annabel1",
            "ANNABEL!",
            "lebanna1",
            "annabelannabel",
            "bell.tower",
            "bell.tower@example.org",
            "the village",
            "2024annabel",
        ] {
            assert!(refused(easy), "{easy}");
        }
    }

    #[test]
    fn a_password_that_is_hard_to_guess_is_accepted_even_with_a_word_in_it() {
        for good in [
            "correct horse battery 9",
            "hello trees",
            "ünder the bridge",
            "83749261love55108273",
            "annabel was here",
            "tr0ub4dor&3x",
            "我们的大树在山坡上",
        ] {
            assert!(!refused(good), "{good}");
        }
    }
}
