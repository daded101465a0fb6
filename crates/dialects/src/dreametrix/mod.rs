//! The school messenger's endpoint: the protocol of Dreametrix' document and of the web client that was made for it.
//! `quirks.md` lists what the old system does without saying so, and what we do.

pub mod decode;
pub mod encode;
mod fields;
mod frames;
#[cfg(test)]
mod hostile;
mod ids;
mod messages;
mod pages;
pub mod rest;
mod rooms;
mod steps;
mod views;

/// The cookie in which a browser keeps its session.
pub const COOKIE: &str = "sessionid";

use chat::ErrorCode;

use crate::{
    Credentials, Hears, Paths, Translator,
    rest::{Matched, Refusal},
};

/// How its clients speak.
pub static TRANSLATOR: Translator = Translator {
    name: "dreametrix",
    system: "Dreametrix",
    credentials: Credentials { cookie: Some(COOKIE), gives_cookie: true, ..Credentials::OLD },
    hears: Hears::AllBut,
    authenticates_in_band: false,
    places_presence: false,
    paths: Paths { sockets: &["/ws/chat/", "/ws/chat"], requests: &["/chats/{*path}"], beside: None },
    // The old server answered 400, and its clients know it.
    no_handshake: ErrorCode::Malformed,
    check_headers: |_, _| Ok(()),
    greeting: encode::greeting,
    decode: decode::decode,
    event: |_, event| encode::event(event),
    // Its clients do not count.
    hidden: |_, _| None,
    turnover: |_, _| None,
    echoes: |_, _| true,
    account: |_, event| encode::account(event),
    account_caught_up: |_| Vec::new(),
    signal: |_, signal| encode::signal(signal),
    caught_up: |_, _| None,
    refusal: encode::refusal,
    route: |method, path| Ok(Matched::by(rest::route(method, path)?, |_| true, rest::request)),
    problem: |error, _| Refusal::json(rest::problem(error)),
};
