//! Identities: who an account is in another system that vouches for people.
//!
//! A host application is an issuer; each of its people is a subject. Its own clients know people by its numbers, so an
//! endpoint for these clients speaks that host's numbers, and never a number that may mean somebody else.

use std::ops::Range;

use crate::{MAX_SAFE_INTEGER, UserId};

/// The host that is configured in `[auth]`, and the one to which an old endpoint belongs unless it is configured.
pub const DEFAULT_HOST: &str = "default";
/// Where the numbers begin of those who have none in the host, unless it is configured.
pub const DEFAULT_OFFSET: i64 = 1_000_000_000;
/// The range of [`Numbering::offset`]. Clients of the old systems keep numbers in 32 bits.
pub const OFFSETS: Range<i64> = 1_000..2_000_000_001;
/// The most characters of a subject, as of OpenID Connect's (section 2).
pub const SUBJECT_LENGTH: usize = 255;

/// How usernames begin that are made.
const MADE: &str = "user_";
/// How many people somebody may write to in a day who have not come yet.
pub const AWAITED_PER_DAY: i64 = 20;

/// A person in another system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Who vouches for them: the name of a host.
    pub issuer: String,
    /// Who they are there. Subjects are compared byte by byte.
    pub subject: String,
}

/// A user's number in a host, as its clients write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostNumber(pub i64);

/// Whom a number means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberMeaning {
    /// Somebody of the host, by their subject there.
    Subject(String),
    /// An account, whoever it is in the host.
    Account(UserId),
    /// Nobody: the host gives no such numbers.
    Nobody,
}

/// How the people of a host, and all others, are numbered for its clients.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Numbering {
    /// The host's name.
    pub issuer: String,
    /// Numbers below are the host's. From here on they are this plus the id of an account.
    pub offset: i64,
}

impl Numbering {
    /// The number of an account that has this subject in the host, or none there. Subjects that the host's clients
    /// could not tell from an account's number, or that are no number, count as none.
    #[must_use]
    pub fn number(&self, user: UserId, subject: Option<&str>) -> HostNumber {
        let own = subject.and_then(|subject| self.number_of_subject(subject));
        own.unwrap_or(HostNumber(self.offset.saturating_add(user.0)))
    }

    /// The number that a subject is; nothing if it is none, or in the range of those who have none.
    #[must_use]
    pub fn number_of_subject(&self, subject: &str) -> Option<HostNumber> {
        canonical(subject).filter(|number| *number < self.offset).map(HostNumber)
    }

    /// Whom a number means.
    #[must_use]
    pub fn meaning(&self, number: HostNumber) -> NumberMeaning {
        match number.0 {
            id if id <= 0 || id > MAX_SAFE_INTEGER => NumberMeaning::Nobody,
            id if id < self.offset => NumberMeaning::Subject(id.to_string()),
            // The offset itself is nobody: ids begin with 1.
            id if id == self.offset => NumberMeaning::Nobody,
            id => NumberMeaning::Account(UserId(id - self.offset)),
        }
    }
}

/// The number that a text is, if it is written as all write it: so two texts are never one number.
fn canonical(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The username that is made for an account whose host calls somebody what is no username here. `distinct` tells it from
/// one that is taken.
#[must_use]
pub fn made_username(user: UserId, distinct: Option<u32>) -> String {
    match distinct {
        None => format!("{MADE}{user}"),
        Some(distinct) => format!("{MADE}{user}_{distinct:08x}"),
    }
}

/// Whether a username was made: it says nothing of anybody, and is not shown where there is another name.
#[must_use]
pub fn is_made_username(username: &str) -> bool {
    let Some(rest) = username.strip_prefix(MADE) else { return false };
    let (id, distinct) = rest.split_once('_').map_or((rest, None), |(id, distinct)| (id, Some(distinct)));
    let is_hex = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    canonical(id).is_some() && distinct.is_none_or(is_hex)
}

/// Whether a text can be a subject: 1 to [`SUBJECT_LENGTH`] characters, none of them a control character, and no space
/// at either end.
#[must_use]
pub fn is_subject(text: &str) -> bool {
    (1..=SUBJECT_LENGTH).contains(&text.chars().count())
        && !text.contains(|c: char| c.is_control())
        && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbering() -> Numbering {
        Numbering { issuer: DEFAULT_HOST.into(), offset: DEFAULT_OFFSET }
    }

    #[test]
    fn a_subject_is_a_number_only_as_all_write_it_and_below_the_offset() {
        let of = |subject: &str| numbering().number(UserId(7), Some(subject)).0;
        assert_eq!((of("1"), of("77"), of("999999999")), (1, 77, 999_999_999));
        for other in [
            "",
            "0",
            "007",
            "+7",
            "-7",
            " 7",
            "7 ",
            "7.0",
            "7e0",
            "٣",
            "１",
            "0x7",
            "seven",
            "1000000000",
            "1000000007",
            "9223372036854775807",
            "9223372036854775808",
            "99999999999999999999999999",
        ] {
            assert_eq!(of(other), 1_000_000_007, "{other:?}");
        }
        assert_eq!(numbering().number(UserId(7), None), HostNumber(1_000_000_007));
    }

    #[test]
    fn every_number_leads_back_to_whom_it_was_given() {
        let meaning = |number| numbering().meaning(HostNumber(number));
        assert_eq!(meaning(1), NumberMeaning::Subject("1".into()));
        assert_eq!(meaning(DEFAULT_OFFSET - 1), NumberMeaning::Subject("999999999".into()));
        assert_eq!(meaning(DEFAULT_OFFSET + 1), NumberMeaning::Account(UserId(1)));
        for nobody in [0, -1, i64::MIN, DEFAULT_OFFSET, MAX_SAFE_INTEGER + 1, i64::MAX] {
            assert_eq!(meaning(nobody), NumberMeaning::Nobody, "{nobody}");
        }
    }

    #[test]
    fn a_made_username_is_known_as_such() {
        assert_eq!(made_username(UserId(7), None), "user_7");
        for made in [made_username(UserId(7), None), made_username(UserId(7), Some(255))] {
            assert!(is_made_username(&made), "{made}");
        }
        for chosen in
            ["user", "user_", "user_x", "user_07", "user_7_", "user_7_xyz", "user_7_0000000g", "dave", "User_7"]
        {
            assert!(!is_made_username(chosen), "{chosen}");
        }
    }

    #[test]
    fn a_subject_is_a_short_text_without_controls_and_spaces_around() {
        for good in ["1", "a b", "auth0|5f", "Élodie", "👩‍💻", &"x".repeat(SUBJECT_LENGTH), "-5", "007"] {
            assert!(is_subject(good), "{good:?}");
        }
        for bad in ["", " ", " 1", "1 ", "1\n", "a\0b", "\u{a0}1", "\u{85}", &"x".repeat(SUBJECT_LENGTH + 1)] {
            assert!(!is_subject(bad), "{bad:?}");
        }
    }
}
