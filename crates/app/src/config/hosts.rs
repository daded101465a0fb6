//! `[hosts.NAME]`: host applications whose people are let in by tokens that the host signs, each in a section of its own.
//!
//! The keys of `[auth]` that speak of a host are those of the host `default`, unless it has a section.

use std::{borrow::Cow, collections::BTreeMap};

use chat::identities::{DEFAULT_HOST, DEFAULT_OFFSET, Numbering, OFFSETS};

use super::{
    Auth, Secrecy, Secret,
    auth::{self, audience},
    key::Input,
};

/// The section's name.
pub(super) const SECTION: &str = "hosts";
/// Characters of a host's name at most.
const NAME_LENGTH: usize = 40;
/// The rule for a host's name.
pub(super) const NAME: &str = "1 to 40 of a-z, 0-9 and _";

/// A host application.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Checks its tokens; absent where its people are not let in by tokens.
    pub secret: Option<Secret>,
    /// The audience that its tokens must name.
    pub audience: Option<String>,
    /// Whether its people get an account at first sight.
    pub create_users: bool,
    /// Where, for its clients, the numbers begin of those who have none in it.
    pub offset: i64,
}

impl Default for Host {
    fn default() -> Self {
        Self { secret: None, audience: None, create_users: false, offset: DEFAULT_OFFSET }
    }
}

/// The configured hosts, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hosts(pub BTreeMap<String, Host>);

impl Hosts {
    /// All hosts: those with a section, and `default` as `[auth]` describes it if it has none.
    #[must_use]
    pub fn with_default(&self, auth: &Auth) -> BTreeMap<String, Host> {
        let mut hosts = self.0.clone();
        hosts.entry(DEFAULT_HOST.to_owned()).or_insert_with(|| Host {
            secret: auth.jwt_secret.clone().filter(|_| auth.accepts_host_tokens()),
            audience: auth.host_audience.clone(),
            create_users: auth.host_create_users,
            offset: auth.host_offset,
        });
        hosts
    }

    pub(super) fn check(&self, auth: &Auth) -> Vec<String> {
        let mut problems = Vec::new();
        let mut secrets: Vec<(String, &Secret)> = Vec::new();
        secrets.extend(auth.jwt_secret.as_ref().map(|secret| ("auth.jwt_secret".to_owned(), secret)));
        for (name, host) in &self.0 {
            let Some(secret) = &host.secret else {
                problems.push(format!("hosts.{name} has no secret: nobody could show whom it vouches for"));
                continue;
            };
            // By its signature alone one knows of which host a token is.
            let rival = secrets.iter().find(|(_, other)| *other == secret);
            problems.extend(rival.map(|(other, _)| format!("hosts.{name}.secret and {other} must not be the same")));
            secrets.push((format!("hosts.{name}.secret"), secret));
        }
        if self.0.contains_key(DEFAULT_HOST) && auth.host_tokens == Some(true) {
            problems.push(
                "auth.host_tokens is true, and there is a section [hosts.default]: the host `default` has one secret"
                    .to_owned(),
            );
        }
        problems
    }
}

/// How a host's people are numbered for its clients.
#[must_use]
pub fn numbering(name: &str, host: &Host) -> Numbering {
    Numbering { issuer: name.to_owned(), offset: host.offset }
}

/// A key of a host's section.
pub struct HostKey {
    /// Its name in the section.
    pub name: &'static str,
    /// Its meaning, in sentences.
    pub doc: Cow<'static, str>,
    /// The accepted values, in words that go on from "allowed:".
    pub allowed: &'static str,
    /// An example in TOML, and what holds while it is not set.
    pub unset: (&'static str, &'static str),
    /// How much of the value may be shown.
    pub secrecy: Secrecy,
    set: fn(&mut Host, Input<'_>) -> Result<(), String>,
    get: fn(&Host) -> Option<toml::Value>,
}

impl HostKey {
    /// `hosts.NAME.key`.
    #[must_use]
    pub fn path(&self, host: &str) -> String {
        format!("{SECTION}.{host}.{}", self.name)
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self, host: &str) -> String {
        format!("PALABRE_HOSTS__{}__{}", host.to_uppercase(), self.name.to_uppercase())
    }

    /// Sets the key of a host.
    ///
    /// # Errors
    /// The fault, and what is allowed. Never holds a secret.
    pub(super) fn set(&self, hosts: &mut Hosts, host: &str, input: Input<'_>) -> Result<(), String> {
        (self.set)(hosts.0.entry(host.to_owned()).or_default(), input).map_err(|reason| {
            let given = if self.secrecy == Secrecy::Open { format!(" = {input}") } else { String::new() };
            format!("{}{given}: {reason} (allowed: {})", self.path(host), self.allowed)
        })
    }

    /// The value in force as it may be shown.
    #[must_use]
    pub fn shown(&self, host: &Host) -> Option<String> {
        let value = (self.get)(host)?;
        Some(if self.secrecy == Secrecy::Open { value.to_string() } else { "(hidden)".to_owned() })
    }
}

/// The keys of a host's section.
#[must_use]
pub fn keys() -> Vec<HostKey> {
    vec![
        HostKey {
            name: "secret",
            doc:
                "Checks the host's tokens (HS256), with the claims `sub` or `user_id`, `username`, `name`, `role`. No \
                  two hosts have the same."
                    .into(),
            allowed: "32 characters or more, not a sample from a document",
            unset: ("\"…\"", "refused: a host needs one"),
            secrecy: Secrecy::Hidden,
            set: |host, input| {
                host.secret = Some(auth::secret(input.text()?)?);
                Ok(())
            },
            get: |host| host.secret.as_ref().map(|secret| secret.reveal().to_owned().into()),
        },
        HostKey {
            name: "audience",
            doc: "The audience (`aud`) that the host's tokens must name, as `auth.host_audience` for `default`.".into(),
            allowed: "1 to 200 characters",
            unset: ("\"our-chat\"", "none is needed"),
            secrecy: Secrecy::Open,
            set: |host, input| {
                host.audience = Some(audience(input)?);
                Ok(())
            },
            get: |host| host.audience.clone().map(Into::into),
        },
        HostKey {
            name: "create_users",
            doc: "Whether the host's people get an account at first sight, and may be written to before they come; if \
                  not, they must be made known before."
                .into(),
            allowed: "true or false",
            unset: ("true", "false"),
            secrecy: Secrecy::Open,
            set: |host, input| input.boolean().map(|on| host.create_users = on),
            get: |host| Some(host.create_users.into()),
        },
        HostKey {
            name: "offset",
            doc: offset_doc().into(),
            allowed: OFFSET,
            unset: ("1000000000", "1000000000"),
            secrecy: Secrecy::Open,
            set: |host, input| offset(input).map(|offset| host.offset = offset),
            get: |host| Some(host.offset.into()),
        },
    ]
}

pub(super) const OFFSET: &str = "1000 to 2000000000";

/// The meaning of an offset.
pub(super) fn offset_doc() -> &'static str {
    "At the host's old endpoints those who have no number in it are known by this plus the id of their account. It must \
     be above every number that the host will ever give, and must not be changed afterwards."
}

pub(super) fn offset(input: Input<'_>) -> Result<i64, String> {
    input.within(OFFSETS.start..=OFFSETS.end - 1)
}

/// The name of a host, in its normal form.
pub(super) fn name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let good = (1..=NAME_LENGTH).contains(&text.len()) && text.chars().all(allowed) && !text.contains("__");
    if good { Ok(text.to_owned()) } else { Err(format!("{text:?} is no name of a host")) }
}

/// Host and key of a variable, if it is one of a host's.
pub(super) fn of_variable(variable: &str) -> Option<(String, String)> {
    let rest = variable.strip_prefix("PALABRE_HOSTS__")?;
    let (host, key) = rest.rsplit_once("__")?;
    Some((host.to_ascii_lowercase(), key.to_ascii_lowercase()))
}
