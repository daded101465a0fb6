//! A dialect is a value: each folder gives one [`Translator`], and [`LIST`] has all of them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
};

use chat::{
    AccountEvent, ConversationId, Error, ErrorCode, Event, Number, Signal,
    accounts::Speaker,
    conversations::Place,
    reply::{AccountChanges, CaughtUp},
};

use crate::{
    chat_server, dreametrix, matcha, native,
    rest::{Headers, Matched, Misrouted, Refusal},
    step::{Step, Text},
};

/// All dialects, our own first. To add one, write its folder and put its value here.
static LIST: [&Translator; 5] = [
    &native::TRANSLATOR,
    &chat_server::TRANSLATOR,
    &dreametrix::TRANSLATOR,
    &matcha::TRANSLATOR,
    &matcha::gateway::TRANSLATOR,
];

/// How one kind of client speaks, as pure functions.
pub struct Translator {
    /// Its name in logs, metrics, documents and the configuration.
    pub name: &'static str,
    /// The system whose clients speak it.
    pub system: &'static str,
    /// Where its clients carry their credential.
    pub credentials: Credentials,
    /// Which conversations its connections hear.
    pub hears: Hears,
    /// Whether a connection must say `authenticate` first. Those of the old systems are authenticated by their
    /// handshake alone.
    pub authenticates_in_band: bool,
    /// Whether it says in which conversation somebody's presence is told. Where it does not, those who share several
    /// would hear the same several times.
    pub places_presence: bool,
    /// Where its clients look for it.
    pub paths: Paths,
    /// How a request is refused that comes to a socket's path and asks for none.
    pub no_handshake: ErrorCode,
    /// Refuses a request or handshake whose headers contradict its credential, with `forbidden`.
    pub check_headers: fn(&Speaker, Headers<'_>) -> Result<(), Error>,
    /// What a connection is told first, once its handshake has let it in.
    pub greeting: fn(&Speaker) -> Vec<Text>,
    /// What a frame asks for. The speaker is absent until the connection has authenticated.
    pub decode: fn(Option<&Speaker>, &str) -> Step,
    /// What a subscriber is told of a numbered event; nothing if this dialect has no word for it.
    /// Encoded once for all subscribers of the dialect, whoever they are.
    pub event: fn(&Place, &Event) -> Option<Text>,
    /// What a subscriber is told of an event with this number that is about a message which they do not see; nothing if
    /// this dialect does not count.
    pub hidden: fn(ConversationId, Number) -> Option<Text>,
    /// Whether the connection that caused the event is told of it too.
    pub echoes: fn(&Place, &Event) -> bool,
    /// What a person's connections are told of a numbered event of their account, frame by frame; nothing if this
    /// dialect has no word for it.
    pub account: fn(Option<&Place>, &AccountEvent) -> Vec<Text>,
    /// What one of them is told that comes back, of the account's changes that it missed.
    pub account_caught_up: fn(&AccountChanges) -> Vec<Text>,
    /// What a subscriber is told of a signal, frame by frame; nothing if this dialect has no word for it.
    pub signal: fn(Option<&Place>, &Signal) -> Vec<Text>,
    /// What a reconnected subscriber is told of what it missed; nothing if this dialect has no word for it.
    pub caught_up: fn(ConversationId, &CaughtUp) -> Option<Text>,
    /// How a refusal that answers no command is said (a frame too large, too many commands).
    pub refusal: fn(&Error) -> Text,
    /// Finds what a request's method and path (still percent-encoded) are for; refuses with `unknown_command` (404),
    /// `method_not_allowed` (405), or `malformed` (400) if the path is not UTF-8.
    pub route: fn(&str, &str) -> Result<Matched, Misrouted>,
    /// How a request is refused, given the request's id if it has one.
    pub problem: fn(&Error, Option<&str>) -> Refusal,
}

/// Where a dialect's clients look for it, as templates of the router: on the common port, and on a listener of its own.
#[derive(Clone, Copy, Debug)]
pub struct Paths {
    /// Sockets.
    pub sockets: &'static [&'static str],
    /// Requests.
    pub requests: &'static [&'static str],
    /// The dialect on whose own listener its paths are too.
    pub beside: Option<&'static str>,
}

/// Where a dialect's clients carry their credential, besides the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Whether the header's scheme (`Bearer`) may not be left out.
    pub scheme_needed: bool,
    /// Whether a socket's handshake may have it in a subprotocol `bearer.<token>`.
    pub subprotocol: bool,
    /// Whether a socket's handshake may have it in `?token=`.
    pub in_query: bool,
    /// The cookie that may hold it.
    pub cookie: Option<&'static str>,
    /// Whether a handshake that was opened by a token is given the cookie, for clients that come back without.
    pub gives_cookie: bool,
}

impl Credentials {
    /// What clients of the old systems have in common.
    pub(crate) const OLD: Self =
        Self { scheme_needed: false, subprotocol: false, in_query: true, cookie: None, gives_cookie: false };
}

/// Which conversations a connection hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// All of its person's.
    All,
    /// All of its person's but those that it turned off.
    AllBut,
    /// Those that it asked for.
    Chosen,
}

/// One of the dialects. Cheap to copy; its [`Translator`] is what it dereferences to.
#[derive(Clone, Copy)]
pub struct Dialect {
    place: usize,
    translator: &'static Translator,
}

impl Dialect {
    /// Our own.
    pub const NATIVE: Self = Self { place: 0, translator: &native::TRANSLATOR };
    /// How many there are.
    pub const COUNT: usize = LIST.len();

    /// All of them, our own first.
    pub fn all() -> impl Iterator<Item = Self> {
        LIST.iter().enumerate().map(|(place, translator)| Self { place, translator })
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|dialect| dialect.name == name)
    }

    /// One that is not in the list: it answers requests, and nobody is told events in it. None if it has sockets.
    #[must_use]
    pub fn of_requests(translator: &'static Translator) -> Option<Self> {
        translator.paths.sockets.is_empty().then_some(Self { place: 0, translator })
    }

    /// Its place among all: less than [`Dialect::COUNT`].
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
