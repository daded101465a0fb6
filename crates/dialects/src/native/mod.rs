//! Our own protocol, `docs/protocol/native.md`: everything that the server can do, alike over the
//! socket and over REST. [`table`] has all operations, from which both are served and documented; what they
//! ask for and what is shown of it is in the file of its noun.

mod account_changes;
mod accounts;
pub mod asyncapi;
mod avatars;
mod conversations;
pub mod decode;
mod drafts;
mod emoji;
pub mod encode;
mod fields;
mod files;
mod forms;
mod inbox;
mod markers;
mod members;
mod mentions;
mod messages;
mod notifications;
pub mod openapi;
mod pages;
mod policies;
mod presence;
mod previews;
mod push_devices;
mod reactions;
mod reminders;
pub mod rest;
mod saved;
mod search;
mod server;
mod sessions;
mod statistics;
pub mod table;
mod threads;
mod typing;
mod uploads;
mod user_groups;
mod versions;
mod voices;

#[cfg(test)]
mod hostile;
mod schemas;

use chat::ErrorCode;

use crate::{
    Credentials, Hears, Paths, Translator,
    rest::{Matched, Refusal},
};

/// How its clients speak. Every path that is nobody else's is a request to it.
pub static TRANSLATOR: Translator = Translator {
    name: "native",
    system: "Palabre",
    // No token in the URL, where it would end in logs.
    credentials: Credentials { scheme_needed: true, subprotocol: true, in_query: false, ..Credentials::OLD },
    hears: Hears::All,
    authenticates_in_band: true,
    places_presence: true,
    paths: Paths { sockets: &["/v1/ws"], requests: &[], beside: None },
    no_handshake: ErrorCode::UpgradeRequired,
    check_headers: |_, _| Ok(()),
    greeting: |_| Vec::new(),
    decode: decode::decode,
    event: |_, event| Some(encode::event(event)),
    hidden: |conversation, number| Some(encode::hidden(conversation, number)),
    turnover: |conversation, turnover| Some(encode::turnover(conversation, turnover)),
    echoes: |_, _| true,
    account: |_, event| vec![encode::account(event)],
    account_caught_up: encode::account_caught_up,
    signal: |_, signal| vec![encode::signal(signal)],
    caught_up: |conversation, caught_up| Some(encode::caught_up(conversation, caught_up)),
    refusal: |error| encode::refusal(None, error),
    route: |method, path| {
        let matched = rest::route(method, path)?;
        let (path, needs_speaker, takes) = (matched.path(), matched.needs_speaker(), matched.takes());
        let (files_cookie, linked, always) = (matched.files_cookie(), matched.linked(), matched.always());
        let read = Box::new(move |request: &crate::rest::Request<'_>| rest::request(&matched, request));
        Ok(Matched { path, needs_speaker, files_cookie, linked, takes, always, read })
    },
    problem: |error, request_id| {
        let (status, body) = rest::problem(error, request_id);
        Refusal { media_type: rest::PROBLEM_TYPE, status, body }
    },
};

/// The files of the browsable reference, `/docs`: page, style sheet, script.
pub const DOCS: [(&str, &str, &str); 3] = [
    ("/docs", "text/html; charset=utf-8", include_str!("docs/docs.html")),
    ("/docs/docs.css", "text/css; charset=utf-8", include_str!("docs/docs.css")),
    ("/docs/docs.js", "text/javascript; charset=utf-8", include_str!("docs/docs.js")),
];
