//! `[auth]`: who is let in.

use std::collections::BTreeSet;

use super::{
    Secrecy, Secret, hosts,
    key::{Input, Key},
};

/// Fewest bytes of a secret that signs tokens: as many as the signature's (RFC 7518, section 3.2).
const SECRET_LENGTH: usize = 32;

/// Words in the secrets of documents, examples and trials; parts of a configured secret are compared, without case
/// and signs. A random secret holds one of them once in some twenty million.
const SAMPLES: &[&str] = &[
    "yoursecret",
    "yourjwt",
    "yoursuper",
    "yourown",
    "yourkey",
    "secretkey",
    "secretjwt",
    "jwtsecret",
    "supersecret",
    "verysecret",
    "topsecret",
    "mysecret",
    "secrethere",
    "secretvalue",
    "sharedsecret",
    "testsecret",
    "devsecret",
    "secretfor",
    "secretatleast",
    "stringsecret",
    "bitsecret",
    "randomsecret",
    "generatea",
    "signingkey",
    "signingsecret",
    "256bits",
    "thisisasecret",
    "notasecret",
    "changeme",
    "changethis",
    "changeit",
    "changein",
    "replaceme",
    "replacethis",
    "replacewith",
    "pleasechange",
    "inproduction",
    "placeholder",
    "insecure",
    "donotuse",
    "example",
    "sample",
    "default",
    "development",
    "minimum32",
    "atleast32",
    "32characters",
    "32chars",
    "password",
    "motdepasse",
    "votresecret",
    "abcdefgh",
    "12345678",
    "01234567",
    "deadbeef",
    "loremipsum",
    "asecretthat",
    "correcthorse",
];
/// Different characters that a secret has at least. A random one in hexadecimal digits nearly always has twelve.
const KINDS: usize = 8;
/// A secret that is a piece of at most this length again and again, is that piece.
const PIECE: usize = 16;

/// The section about accounts and sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct Auth {
    /// Signs access tokens; if absent, a key is made in the data folder.
    pub jwt_secret: Option<Secret>,
    /// Minutes that an access token is good for.
    pub access_minutes: i64,
    /// Days after which an unused session ends.
    pub refresh_days: i64,
    /// Days after which every session ends.
    pub refresh_absolute_days: i64,
    /// Whether tokens of a host application are accepted; see [`Auth::accepts_host_tokens`].
    pub host_tokens: Option<bool>,
    /// The audience that a host application's tokens must name; if absent, see [`engine::Keys::with_url`].
    pub host_audience: Option<String>,
    /// Whether a host application's user gets an account at first sight.
    pub host_create_users: bool,
    /// Where, for a host application's clients, the numbers begin of those who have none in it.
    pub host_offset: i64,
    /// Whether anybody may register.
    pub open_registration: bool,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            jwt_secret: None,
            access_minutes: 15,
            refresh_days: 30,
            refresh_absolute_days: 90,
            host_tokens: None,
            host_audience: None,
            host_create_users: false,
            host_offset: chat::identities::DEFAULT_OFFSET,
            open_registration: true,
        }
    }
}

impl Auth {
    /// Whether tokens that a host application signed with `jwt_secret` are accepted.
    #[must_use]
    pub fn accepts_host_tokens(&self) -> bool {
        self.host_tokens.unwrap_or(self.jwt_secret.is_some())
    }

    pub(super) fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.host_tokens == Some(true) && self.jwt_secret.is_none() {
            problems.push("auth.host_tokens is true, but there is no auth.jwt_secret to check them with".to_owned());
        }
        if self.refresh_days > self.refresh_absolute_days {
            let (idle, absolute) = (self.refresh_days, self.refresh_absolute_days);
            problems.push(format!("auth.refresh_days ({idle}) is more than auth.refresh_absolute_days ({absolute})"));
        }
        problems
    }
}

pub(super) fn secret(text: &str) -> Result<Secret, String> {
    let bare: String = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
    if SAMPLES.iter().any(|sample| bare.contains(sample)) {
        return Err("is a sample from a document, known to everybody; make one with `openssl rand -base64 32`".into());
    }
    if text.len() < SECRET_LENGTH {
        return Err(format!("is shorter than {SECRET_LENGTH} characters; make one with `openssl rand -base64 32`"));
    }
    let chars: Vec<char> = text.chars().collect();
    let kinds: BTreeSet<char> = chars.iter().copied().collect();
    if kinds.len() < KINDS {
        return Err(format!(
            "repeats fewer than {KINDS} different characters; make one with `openssl rand -base64 32`"
        ));
    }
    let repeats = |period: usize| chars.iter().zip(chars.iter().skip(period)).all(|(one, next)| one == next);
    if (1..=PIECE).any(repeats) {
        return Err("repeats itself; make one with `openssl rand -base64 32`".into());
    }
    Ok(Secret::new(text))
}

pub(super) fn audience(input: Input<'_>) -> Result<String, String> {
    let audience = input.text()?;
    if !(1..=200).contains(&audience.chars().count()) {
        return Err("must have 1 to 200 characters".to_owned());
    }
    Ok(audience.to_owned())
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "auth",
            "jwt_secret",
            "Signs access tokens (HS256). Set it to share it with a host application or between nodes.",
            "32 characters or more, not a sample from a document",
            |_, config, input| {
                config.auth.jwt_secret = Some(secret(input.text()?)?);
                Ok(())
            },
            |_, config| config.auth.jwt_secret.as_ref().map(|secret| secret.reveal().to_owned().into()),
        )
        .unset("\"…\"", "a random key, made on first start and kept in the data folder as `jwt.key`")
        .secrecy(Secrecy::Hidden),
        Key::new(
            "auth",
            "access_minutes",
            "Minutes that an access token is good for.",
            "1 to 1440",
            |_, config, input| input.within(1..=1_440).map(|minutes| config.auth.access_minutes = minutes),
            |_, config| Some(config.auth.access_minutes.into()),
        ),
        Key::new(
            "auth",
            "refresh_days",
            "Days after which a session that was not used ends.",
            "1 to 365, at most `refresh_absolute_days`",
            |_, config, input| input.within(1..=365).map(|days| config.auth.refresh_days = days),
            |_, config| Some(config.auth.refresh_days.into()),
        ),
        Key::new(
            "auth",
            "refresh_absolute_days",
            "Days after which a session ends, used or not.",
            "1 to 3650",
            |_, config, input| input.within(1..=3_650).map(|days| config.auth.refresh_absolute_days = days),
            |_, config| Some(config.auth.refresh_absolute_days.into()),
        ),
        Key::new(
            "auth",
            "host_tokens",
            "Whether tokens of a host application are accepted: HS256 with `jwt_secret`, claims `sub` or `user_id`, \
             `username`, `role`.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.auth.host_tokens = Some(on)),
            |_, config| config.auth.host_tokens.map(Into::into),
        )
        .unset("true", "true if `jwt_secret` is set, else false"),
        Key::new(
            "auth",
            "host_audience",
            "The audience (`aud`) that a host application's tokens must name. Unset, a token needs none, and one that \
             names some must name `palabre`, the `public_url`, or an audience of a replaced system.",
            "up to 200 characters",
            |_, config, input| {
                config.auth.host_audience = Some(audience(input)?);
                Ok(())
            },
            |_, config| config.auth.host_audience.clone().map(Into::into),
        )
        .unset("\"our-chat\"", "none is needed"),
        Key::new(
            "auth",
            "host_create_users",
            "Whether a host application's user gets an account at first sight, and may be written to before they come; \
             if not, the account must exist.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.auth.host_create_users = on),
            |_, config| Some(config.auth.host_create_users.into()),
        ),
        Key::new(
            "auth",
            "host_offset",
            hosts::offset_doc(),
            hosts::OFFSET,
            |_, config, input| hosts::offset(input).map(|offset| config.auth.host_offset = offset),
            |_, config| Some(config.auth.host_offset.into()),
        ),
        Key::new(
            "auth",
            "open_registration",
            "Whether anybody may open an account; if not, `palabre user add` makes them.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.auth.open_registration = on),
            |_, config| Some(config.auth.open_registration.into()),
        ),
    ]
}
