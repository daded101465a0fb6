//! A dialect is a value: each dialect's folder defines one [`Translator`], and [`LIST`] contains all of them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
};

use chat::{
    AccountEvent, ConversationId, Error, ErrorCode, Event, Number, Signal,
    accounts::Speaker,
    conversations::Place,
    members::Turnover,
    reply::{AccountChanges, CaughtUp},
};

use crate::{
    chat_server, dreametrix, matcha, native,
    rest::{Headers, JSON, Matched, Misrouted, Refusal},
    step::{Step, Text},
};

/// All dialects, the native one first. To add one, write its folder and add its value here.
static LIST: [&Translator; 5] = [
    &native::TRANSLATOR,
    &chat_server::TRANSLATOR,
    &dreametrix::TRANSLATOR,
    &matcha::TRANSLATOR,
    &matcha::gateway::TRANSLATOR,
];

/// The protocol of one kind of client, as pure functions.
pub struct Translator {
    /// Its name in logs, metrics, documents and the configuration.
    pub name: &'static str,
    /// The system whose clients speak it.
    pub system: &'static str,
    /// The places where its clients put their credential.
    pub credentials: Credentials,
    /// The conversations that its connections hear.
    pub hears: Hears,
    /// Whether a connection must send `authenticate` first. Those of the old systems are authenticated by their
    /// handshake alone.
    pub authenticates_in_band: bool,
    /// Whether its frames of presence name a conversation. Otherwise people who share several conversations would get
    /// the same frame several times.
    pub places_presence: bool,
    /// The paths that its clients use.
    pub paths: Paths,
    /// The refusal of a plain request to a socket's path.
    pub no_handshake: ErrorCode,
    /// Refuses a request or handshake whose headers contradict its credential, with `forbidden`.
    pub check_headers: fn(&Speaker, Headers<'_>) -> Result<(), Error>,
    /// The first frames of a connection, after its handshake was accepted.
    pub greeting: fn(&Speaker) -> Vec<Text>,
    /// Decodes a frame. The speaker is `None` until the connection has authenticated.
    pub decode: fn(Option<&Speaker>, &str) -> Step,
    /// Encodes a numbered event for a subscriber; `None` if the dialect has no frame for it. Encoded once for all
    /// subscribers of the dialect.
    pub event: fn(&Place, &Event) -> Option<Text>,
    /// Encodes the bare number of an event about a message that the subscriber does not see; `None` if the dialect has
    /// no numbers.
    pub hidden: fn(ConversationId, Number) -> Option<Text>,
    /// Encodes a run of joins and leaves for clients that take it as one; `None` if the dialect has no such clients.
    pub turnover: fn(ConversationId, &Turnover) -> Option<Text>,
    /// Whether the connection that caused an event gets it, too.
    pub echoes: fn(&Place, &Event) -> bool,
    /// Encodes a numbered event of an account for the person's connections, one text per frame; empty if the dialect
    /// has no frame for it.
    pub account: fn(Option<&Place>, &AccountEvent) -> Vec<Text>,
    /// Encodes the account's changes that a reconnected client has missed.
    pub account_caught_up: fn(&AccountChanges) -> Vec<Text>,
    /// Encodes a signal for a subscriber, one text per frame; empty if the dialect has no frame for it.
    pub signal: fn(Option<&Place>, &Signal) -> Vec<Text>,
    /// Encodes the changes that a reconnected client has missed; `None` if the dialect has no frame for them.
    pub caught_up: fn(ConversationId, &CaughtUp) -> Option<Text>,
    /// Encodes a refusal that answers no command (a frame too large, too many commands).
    pub refusal: fn(&Error) -> Text,
    /// Finds the handler of a request's method and path (still percent-encoded); refuses with `unknown_command` (404),
    /// `method_not_allowed` (405), or `malformed` (400) if the path is not UTF-8.
    pub route: fn(&str, &str) -> Result<Matched, Misrouted>,
    /// Encodes the refusal of a request, given the request's id if it has one.
    pub problem: fn(&Error, Option<&str>) -> Refusal,
}

impl Translator {
    /// A dialect that understands nothing and has no frames: those that are only tried are made from it.
    pub const SILENT: Self = Self {
        name: "silent",
        system: "none",
        credentials: Credentials::OLD,
        hears: Hears::All,
        authenticates_in_band: false,
        places_presence: false,
        paths: Paths { sockets: &[], requests: &[], beside: None },
        no_handshake: ErrorCode::UnknownCommand,
        check_headers: |_, _| Ok(()),
        greeting: |_| Vec::new(),
        decode: |_, _| Step::Refuse(Vec::new()),
        event: |_, _| None,
        hidden: |_, _| None,
        turnover: |_, _| None,
        echoes: |_, _| true,
        account: |_, _| Vec::new(),
        account_caught_up: |_| Vec::new(),
        signal: |_, _| Vec::new(),
        caught_up: |_, _| None,
        refusal: |error| error.detail.clone(),
        route: |_, _| Err(Misrouted { error: Error::not_found("path"), allow: Vec::new() }),
        problem: |error, _| Refusal {
            media_type: JSON,
            status: error.code.status(),
            body: error.code.name().to_owned(),
        },
    };
}

/// The paths of a dialect, as templates of the router: on the common port, and on a listener of its own.
#[derive(Clone, Copy, Debug)]
pub struct Paths {
    /// Sockets.
    pub sockets: &'static [&'static str],
    /// Requests.
    pub requests: &'static [&'static str],
    /// Another dialect, on whose own listener its paths are served too.
    pub beside: Option<&'static str>,
}

/// The places where a dialect's clients put their credential, besides the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Whether the header's scheme (`Bearer`) must be given.
    pub scheme_needed: bool,
    /// Whether a socket's handshake may have the credential in a subprotocol `bearer.<token>`.
    pub subprotocol: bool,
    /// Whether a socket's handshake may have the credential in `?token=`.
    pub in_query: bool,
    /// The cookie that may hold the credential.
    pub cookie: Option<&'static str>,
    /// Whether the answer to a handshake with a token sets the cookie, for clients that reconnect without the token.
    pub gives_cookie: bool,
}

impl Credentials {
    /// The places that clients of all old systems use.
    pub(crate) const OLD: Self =
        Self { scheme_needed: false, subprotocol: false, in_query: true, cookie: None, gives_cookie: false };
}

/// The conversations that a connection hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// All conversations of its person.
    All,
    /// All conversations of its person except those that it turned off.
    AllBut,
    /// Only the conversations that it asked for.
    Chosen,
}

/// One of the dialects. Cheap to copy; it dereferences to its [`Translator`].
#[derive(Clone, Copy)]
pub struct Dialect {
    place: usize,
    translator: &'static Translator,
}

impl Dialect {
    /// The native dialect.
    pub const NATIVE: Self = Self { place: 0, translator: &native::TRANSLATOR };
    /// The number of dialects.
    pub const COUNT: usize = LIST.len();

    /// All dialects, the native one first.
    pub fn all() -> impl Iterator<Item = Self> {
        LIST.iter().enumerate().map(|(place, translator)| Self { place, translator })
    }

    /// The dialect with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|dialect| dialect.name == name)
    }

    /// A dialect that is not in the list: it only answers requests, and no events are encoded in it. `None` if it has
    /// sockets.
    #[must_use]
    pub fn of_requests(translator: &'static Translator) -> Option<Self> {
        translator.paths.sockets.is_empty().then_some(Self { place: 0, translator })
    }

    /// Its index among all: less than [`Dialect::COUNT`].
    #[must_use]
    pub fn place(self) -> usize {
        self.place
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Dialect {}

impl Hash for Dialect {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Deref for Dialect {
    type Target = Translator;

    fn deref(&self) -> &Translator {
        self.translator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_the_first_and_each_has_a_name_of_its_own() {
        assert_eq!(Dialect::NATIVE.name, "native");
        for dialect in Dialect::all() {
            assert_eq!(Dialect::named(dialect.name).map(Dialect::place), Some(dialect.place()));
            assert!(dialect.paths.beside.is_none_or(|name| Dialect::named(name).is_some()), "{}", dialect.name);
        }
    }
}
