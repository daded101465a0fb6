//! The gateway's socket: channels to subscribe to, and chat over them. `quirks.md` of the folder above is about both.

pub mod decode;
pub mod encode;
mod frames;
mod notifications;

use chat::ErrorCode;

use crate::{Hears, Paths, Translator};

/// How clients of the gateway's socket speak. Their requests are those of the chat service.
pub static TRANSLATOR: Translator = Translator {
    name: "matcha_gateway",
    system: "Matcha",
    credentials: super::CREDENTIALS,
    hears: Hears::Chosen,
    authenticates_in_band: false,
    places_presence: false,
    // Veza's clients will share this path: they bring no credential in the handshake.
    paths: Paths { sockets: &["/ws"], requests: &[], beside: Some("matcha") },
    // The old server answered 400, and its clients know it.
    no_handshake: ErrorCode::Malformed,
    check_headers: super::check_headers,
    greeting: encode::greeting,
    decode: decode::decode,
    event: |_, event| encode::event(event),
    // Its clients do not count.
    hidden: |_, _| None,
    turnover: |_, _| None,
    echoes: |_, _| true,
    account: |_, _| Vec::new(),
    account_caught_up: |_| Vec::new(),
    signal: |_, signal| encode::signal(signal),
    caught_up: |_, _| None,
    refusal: encode::refusal,
    route: super::route,
    problem: super::problem,
};
