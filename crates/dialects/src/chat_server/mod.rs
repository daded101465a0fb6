//! The first old endpoint: the protocol of the chat-server and of the REST back end beside it, as their own
//! clients speak them. `quirks.md` lists what the old system does without saying so, and what we do.

pub mod decode;
pub mod encode;
mod frames;
pub mod rest;
mod steps;

use chat::ErrorCode;

use crate::{
    Credentials, Hears, Paths, Translator,
    rest::{Found, Matched, Refusal},
};

/// How its clients speak. Their sockets are at any path of a listener of their own.
pub static TRANSLATOR: Translator = Translator {
    name: "chat_server",
    system: "chat-server",
    credentials: Credentials::OLD,
    hears: Hears::All,
    authenticates_in_band: false,
    places_presence: false,
    paths: Paths { sockets: &[], requests: &[], beside: None },
    // The old server answered 400, and its clients know it.
    no_handshake: ErrorCode::Malformed,
    check_headers: |_, _| Ok(()),
    greeting: |_| Vec::new(),
    decode: decode::decode,
    event: encode::event,
    // Its clients do not count.
    hidden: |_, _| None,
    turnover: |_, _| None,
    echoes: encode::echoes,
    account: |_, _| Vec::new(),
    account_caught_up: |_| Vec::new(),
    signal: |place, signal| encode::signal(place, signal).into_iter().collect(),
    caught_up: |_, _| None,
    refusal: encode::refusal,
    route: |method, path| {
        let found = Found::among(rest::ROUTES, method, path)?;
        Ok(Matched::by(found, rest::needs_speaker, rest::request))
    },
    problem: |error, _| Refusal::json(rest::problem(error)),
};
