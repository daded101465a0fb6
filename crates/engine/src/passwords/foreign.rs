//! Password hashes that other systems have made, as they are imported with their people. Each is checked when its person
//! next logs in, and then replaced by one of ours. What one costs is bounded before it is stored: whoever can name an
//! account has the server compute its hash.

use std::{fmt, num::NonZeroU32, ops::RangeInclusive};

use argon2::{Algorithm, Params, password_hash::phc::PasswordHash};
use aws_lc_rs::{
    constant_time, digest,
    pbkdf2::{self, PBKDF2_HMAC_SHA256},
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use blowfish::Blowfish;
use chat::Result;

use super::unreadable;

/// bcrypt's costs: each doubles the time, and the last takes about a second.
const COSTS: RangeInclusive<u32> = 4..=14;
/// Iterations of PBKDF2. Django 6.0 makes 1,200,000.
const ITERATIONS: RangeInclusive<u32> = 1..=3_000_000;
/// KiB in which Argon2 works. Django's are 102,400.
pub(super) const LARGEST: usize = 131_072;
/// KiB that Argon2 goes through, all its passes together.
const MOST_WORK: u64 = 4 * LARGEST as u64;
/// Characters of a hash, with all that says how it was made.
const LENGTH: usize = 500;
/// bcrypt's bytes of a salt and of a hash, as its text keeps them, and the most of a password.
const SALT: usize = 16;
const HASH: usize = 23;
const PASSWORD: usize = 72;
/// Characters of bcrypt's salt, which the hash follows.
const SALT_TEXT: usize = 22;

/// The text that bcrypt encrypts: "OrpheanBeholderScryDoubt".
const ORPHEAN: [u32; 6] = [0x4f72_7068, 0x6561_6e42, 0x6568_6f6c, 0x6465_7253, 0x6372_7944, 0x6f75_6274];

/// Its last character holds more bits than the bytes have.
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A hash that is not in the PHC form of Argon2.
#[derive(PartialEq, Eq)]
pub(super) enum Foreign {
    /// `$2b$12$…`
    Bcrypt { is_of_digest: bool, cost: u32, salt: [u8; SALT], hash: [u8; HASH] },
    /// Django's `pbkdf2_sha256$iterations$salt$hash`.
    Pbkdf2 { iterations: NonZeroU32, salt: String, hash: Vec<u8> },
}

/// Never shown: it can be guessed at.
impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Foreign(…)")
    }
}

/// The form in which an imported hash is stored; nothing for Django's mark of an account that has no password.
///
/// # Errors
/// Why it cannot be checked, in words that go on after the field's name and do not repeat it.
pub(crate) fn importable(text: &str) -> std::result::Result<Option<String>, String> {
    if text.len() > LENGTH {
        return Err(format!("has more than {LENGTH} characters"));
    }
    if text.starts_with('!') {
        return Ok(None);
    }
    // Django names the algorithm before it.
    let text = text.strip_prefix("argon2$").map_or(text, |_| text.get("argon2".len()..).unwrap_or_default());
    let text = text.strip_prefix("bcrypt$").unwrap_or(text);
    if text.starts_with("$argon2") {
        check_argon2(text)?;
    } else {
        Foreign::parse(text)?;
    }
    Ok(Some(text.to_owned()))
}

fn check_argon2(text: &str) -> std::result::Result<(), String> {
    let wrong = || "is no Argon2 hash in the PHC form, $argon2id$v=19$m=…,t=…,p=…$salt$hash".to_owned();
    let hash = PasswordHash::new(text).map_err(|_| wrong())?;
    Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| wrong())?;
    let params = Params::try_from(&hash).map_err(|_| wrong())?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(wrong());
    }
    let memory = params.block_count();
    if memory > LARGEST {
        return Err(format!("needs {memory} KiB; at most {LARGEST} are allowed"));
    }
    let work = memory as u64 * u64::from(params.t_cost());
    if work > MOST_WORK {
        return Err(format!("goes through {work} KiB (m times t); at most {MOST_WORK} are allowed"));
    }
    Ok(())
}

impl Foreign {
    /// A stored hash; nothing if it is in the form of ours.
    ///
    /// # Errors
    /// `internal` if it is none that was imported.
    pub(super) fn read(stored: &str) -> Result<Option<Self>> {
        if stored.starts_with("$argon2") {
            return Ok(None);
        }
        Self::parse(stored).map(Some).map_err(unreadable)
    }

    fn parse(text: &str) -> std::result::Result<Self, String> {
        if let Some(rest) = text.strip_prefix("pbkdf2_sha256$") {
            return Self::pbkdf2(rest);
        }
        let (is_of_digest, rest) = match text.strip_prefix("bcrypt_sha256$") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        match rest.get(..4) {
            Some("$2a$" | "$2b$" | "$2y$") => Self::bcrypt(is_of_digest, rest.get(4..).unwrap_or_default()),
            _ => Err("is made in another way than bcrypt ($2a$, $2b$, $2y$), Argon2 ($argon2id$…) and Django's \
                      pbkdf2_sha256$…"
                .to_owned()),
        }
    }

    /// `12$` and 53 characters.
    fn bcrypt(is_of_digest: bool, rest: &str) -> std::result::Result<Self, String> {
        let wrong = || "is no bcrypt hash: $2b$, a cost of two digits, $, and 53 characters".to_owned();
        let (cost, text) = rest.split_once('$').ok_or_else(wrong)?;
        let digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        let cost: u32 = digits.then(|| cost.parse().ok()).flatten().ok_or_else(wrong)?;
        if !COSTS.contains(&cost) {
            return Err(format!("has the cost {cost}; {} to {} are allowed", COSTS.start(), COSTS.end()));
        }
        let decode = |text: Option<&str>| BCRYPT_BASE64.decode(text?).ok();
        let salt = decode(text.get(..SALT_TEXT)).and_then(|bytes| bytes.try_into().ok());
        let hash = decode(text.get(SALT_TEXT..)).and_then(|bytes| bytes.try_into().ok());
        let (Some(salt), Some(hash)) = (salt, hash) else { return Err(wrong()) };
        Ok(Self::Bcrypt { is_of_digest, cost, salt, hash })
    }

    /// `iterations$salt$hash`.
    fn pbkdf2(rest: &str) -> std::result::Result<Self, String> {
        let wrong = || "is no hash of Django: pbkdf2_sha256$iterations$salt$hash".to_owned();
        let [iterations, salt, hash]: [&str; 3] =
            rest.split('$').collect::<Vec<_>>().try_into().map_err(|_| wrong())?;
        let digits = !iterations.is_empty() && iterations.bytes().all(|byte| byte.is_ascii_digit());
        let count = iterations.parse::<u32>().ok().filter(|count| digits && ITERATIONS.contains(count));
        let Some(iterations) = count.and_then(NonZeroU32::new) else {
            return Err(if digits {
                format!("has {iterations} iterations; {} to {} are allowed", ITERATIONS.start(), ITERATIONS.end())
            } else {
                wrong()
            });
        };
        let hash = STANDARD.decode(hash).ok().filter(|hash| hash.len() == digest::SHA256_OUTPUT_LEN);
        let hash = hash.filter(|_| !salt.is_empty()).ok_or_else(wrong)?;
        Ok(Self::Pbkdf2 { iterations, salt: salt.to_owned(), hash })
    }

    /// Whether it is the hash of this password. Takes up to a second.
    pub(super) fn is_of(&self, password: &str) -> bool {
        match self {
            Self::Pbkdf2 { iterations, salt, hash } => {
                pbkdf2::verify(PBKDF2_HMAC_SHA256, *iterations, salt.as_bytes(), password.as_bytes(), hash).is_ok()
            }
            Self::Bcrypt { is_of_digest, cost, salt, hash } => {
                let computed = if *is_of_digest {
                    bcrypt(*cost, salt, hex_of_digest(password).as_bytes())
                } else {
                    bcrypt(*cost, salt, password.as_bytes())
                };
                constant_time::verify_slices_are_equal(&computed, hash).is_ok()
            }
        }
    }
}

/// The digest that Django gives to bcrypt in place of a password, which may be longer than bcrypt looks at.
fn hex_of_digest(password: &str) -> String {
    let digest = digest::digest(&digest::SHA256, password.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// bcrypt (Provos and Mazières, 1999), as all have made it since: the password ends with NUL, and counts up to its 72nd
/// byte.
fn bcrypt(cost: u32, salt: &[u8; SALT], password: &[u8]) -> [u8; HASH] {
    let mut key = [password, &[0]].concat();
    key.truncate(PASSWORD);
    let mut state: Blowfish = Blowfish::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1_u32 << cost {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let mut bytes = Vec::with_capacity(HASH + 1);
    for pair in ORPHEAN.chunks_exact(2) {
        let mut pair = [pair[0], pair[1]];
        for _ in 0..64 {
            pair = state.bc_encrypt(pair);
        }
        bytes.extend(pair.iter().flat_map(|word| word.to_be_bytes()));
    }
    let mut hash = [0; HASH];
    hash.copy_from_slice(bytes.get(..HASH).unwrap_or(&[0; HASH]));
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of glibc's `crypt` and of Python's `hashlib`, but for the third, which comes with the first bcrypt.
    const VECTORS: &[(&str, &str)] = &[
        ("$2b$04$abcdefghijklmnopqrstuuQtSN3/pEhRqVe.UgUQMcN9audjDmq4m", "under the tree"),
        ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.X35HEmnZbz8oTQVvFq9Lrv4Plb1nl6.", "pässwörd 🔑"),
        ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
        (
            "$2b$04$XajjQvNhvvRt5GSeFk1xFeEs2pC1VHqsfMAytXJ/Pj8.zg4c23y5S",
            "01234567890123456789012345678901234567890123456789012345678901234567890123456789",
        ),
        ("bcrypt$$2b$04$abcdefghijklmnopqrstuuQtSN3/pEhRqVe.UgUQMcN9audjDmq4m", "under the tree"),
        ("bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuCgQ/XiLt7A2RmUUAnaKuhI/e9BGXq.2", "under the tree"),
        ("pbkdf2_sha256$1000$seasalt$JdpaOTGHz4YjyZD6VvLtA844/OO/ih1VfVpRQmMlLHQ=", "under the tree"),
        ("pbkdf2_sha256$26000$1pVhLTgOEKmZd4Lrj3Ei2s$FN/wnyUeZ4M/2fxsoW8hl7tRGrwCk+aLDNIzmV1KitE=", "pässwörd 🔑"),
    ];

    fn is_of(text: &str, password: &str) -> bool {
        let stored = importable(text).expect("importable").expect("a hash");
        Foreign::read(&stored).expect("readable").expect("not ours").is_of(password)
    }

    #[test]
    fn hashes_are_those_of_the_programs_that_made_them() {
        for (text, password) in VECTORS {
            assert!(is_of(text, password), "{text}");
            assert!(!is_of(text, &format!(" {password}")), "{text}");
            assert!(!is_of(text, ""), "{text}");
        }
    }

    #[test]
    fn bcrypt_looks_at_72_bytes() {
        let (text, password) = VECTORS.iter().find(|(_, password)| password.len() == 80).expect("a long one");
        assert!(is_of(text, &password[..72]));
        assert!(!is_of(text, &password[..71]));
    }

    #[test]
    fn what_would_cost_too_much_or_is_none_is_refused_with_the_reason() {
        let refused = |text: &str| importable(text).expect_err(text);
        let bcrypt = |cost: &str| format!("$2b${cost}$abcdefghijklmnopqrstuuQtSN3/pEhRqVe.UgUQMcN9audjDmq4m");
        for (cost, words) in [("15", "the cost 15; 4 to 14"), ("31", "the cost 31"), ("03", "the cost 3"), ("00", "0")]
        {
            assert!(refused(&bcrypt(cost)).contains(words), "{cost}");
        }
        for cost in ["4", "004", "-4", "+4", "1e", "", "٤٤"] {
            assert!(refused(&bcrypt(cost)).contains("no bcrypt hash"), "{cost}");
        }
        let django =
            |iterations: &str| format!("pbkdf2_sha256${iterations}$salt$47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert!(importable(&django("1200000")).is_ok());
        for iterations in ["0", "3000001", "1000000000", "4294967297", "99999999999999999999"] {
            assert!(refused(&django(iterations)).contains("iterations; 1 to 3000000 are allowed"), "{iterations}");
        }
        for iterations in ["", "-1", "1e6", "+1", " 1"] {
            assert!(refused(&django(iterations)).contains("no hash of Django"), "{iterations}");
        }
        let argon2 = |params: &str| {
            format!("$argon2id$v=19${params}$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        };
        assert!(importable(&argon2("m=102400,t=2,p=8")).is_ok(), "Django's");
        for memory in ["131076", "4194304", "4294967295"] {
            let words = refused(&argon2(&format!("m={memory},t=1,p=1")));
            assert!(words.contains("at most 131072 are allowed"), "{memory}: {words}");
        }
        assert!(refused(&argon2("m=65536,t=4000000000,p=1")).contains("m times t"));
        for other in [
            "",
            "hunter2",
            "$2x$10$abcdefghijklmnopqrstuuQtSN3/pEhRqVe.UgUQMcN9audjDmq4m",
            "$2b$10$abcdefghijklmnopqrstuuQtSN3/pEhRqVe.UgUQMcN9audjDmq4",
            "$2b$10$abcdefghijklmnopqrstuuQtSN3/pEhRqVe.UgUQMcN9audjDmq4mm",
            "$2b$10$abcdefghijklmnopqrstu=QtSN3/pEhRqVe.UgUQMcN9audjDmq4m",
            "$2b$10$éééééééééééééééééééééééééééééé (an even number of bytes)",
            "pbkdf2_sha256$1000$salt$AAAA",
            "pbkdf2_sha256$1000$$47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "pbkdf2_sha256$1000$salt$47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=$",
            "pbkdf2_sha1$1000$salt$47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "md5$salt$0cc175b9c0f1b6a831c399e269772661",
            "$argon2id$v=19$m=65536,t=3,p=4",
            "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ",
            "$argon2id$",
            &"x".repeat(501),
        ] {
            let words = refused(other);
            assert!(other.len() < 12 || !words.contains(&other[other.len() - 12..]), "{words} repeats it");
        }
        assert_eq!(importable("!4gkLz9Wbm2b1Bc3wY8vT5xQ7rP0sN6jH"), Ok(None), "Django's mark of no password");
    }
}
