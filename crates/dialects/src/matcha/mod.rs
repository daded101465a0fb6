//! The dating application's doors: its chat service ([`decode`], [`encode`], [`rest`]), and the socket of the
//! [`gateway`] in front of it, which is what its web client talks to. `quirks.md` lists what the old system does
//! without saying so, and what we do.

mod conversations;
pub mod decode;
pub mod encode;
mod fields;
mod figures;
mod frames;
pub mod gateway;
#[cfg(test)]
mod hostile;
mod messages;
mod presence;
mod reactions;
pub mod rest;
mod steps;
mod told;
mod words;

use chat::{Error, accounts::Speaker};

use crate::rest::Headers;

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
