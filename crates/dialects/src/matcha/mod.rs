//! The dating application's endpoints: its chat service ([`decode`], [`encode`], [`rest`]), and the socket of the
//! [`gateway`] in front of it, which is what its web client talks to. `quirks.md` lists what the old system does
//! without saying so, and what we do.

mod conversations;
pub mod decode;
pub mod encode;
mod fields;
mod frames;
pub mod gateway;
#[cfg(test)]
mod hostile;
mod messages;
mod presence;
mod reactions;
pub mod rest;
mod statistics;
mod steps;
mod told;
mod words;

use chat::{Error, ErrorCode, accounts::Speaker};

use crate::{
    Credentials, Hears, Paths, Translator,
    rest::{Found, Headers, Matched, Misrouted, Refusal},
};

/// The cookie in which a browser may keep its access token.
pub const COOKIE: &str = "access_token";

/// The old service believed this header; here it must agree with the token.
///
/// # Errors
/// `forbidden` if it names somebody else.
pub fn check_headers(speaker: &Speaker, header: Headers<'_>) -> Result<(), Error> {
    match header("x-user-id") {
        Some(id) if id.trim() != speaker.user.to_string() => {
            Err(Error::forbidden("X-User-ID is not the user of the token."))
        }
        _ => Ok(()),
    }
}

/// How clients of the chat service speak.
pub static TRANSLATOR: Translator = Translator {
    name: "matcha",
    system: "Matcha",
    credentials: CREDENTIALS,
    hears: Hears::All,
    authenticates_in_band: false,
    places_presence: false,
    // The last two are what its clients ask of the services beside it.
    paths: Paths {
        sockets: &["/api/v1/chat/ws"],
        requests: &["/api/v1/chat/{*path}", "/api/v1/users/{user}/online-status", "/api/v1/auth/refresh"],
        beside: None,
    },
    // The old server answered 400, and its clients know it.
    no_handshake: ErrorCode::Malformed,
    check_headers,
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
    route,
    problem,
};

const CREDENTIALS: Credentials = Credentials { cookie: Some(COOKIE), ..Credentials::OLD };

fn route(method: &str, path: &str) -> Result<Matched, Misrouted> {
    let found = Found::among(rest::ROUTES, method, path)?;
    Ok(Matched::by(found, rest::needs_speaker, rest::request))
}

fn problem(error: &Error, _request_id: Option<&str>) -> Refusal {
    Refusal::json(rest::problem(error))
}
