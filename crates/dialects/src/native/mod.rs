//! Our own protocol, `docs/protocol/native.md`: everything that the server can do, alike over the
//! socket and over REST. [`table`] has all operations, from which both are served and documented; what they
//! ask for and what is shown of it is in the file of its noun.

mod accounts;
pub mod asyncapi;
mod conversations;
pub mod decode;
pub mod encode;
mod fields;
mod figures;
mod forms;
mod markers;
mod members;
mod messages;
pub mod openapi;
mod pages;
mod presence;
mod reactions;
pub mod rest;
mod server;
mod sessions;
pub mod table;
mod typing;

#[cfg(test)]
mod hostile;
mod schemas;

/// The files of the browsable reference, `/docs`: page, style sheet, script.
pub const DOCS: [(&str, &str, &str); 3] = [
    ("/docs", "text/html; charset=utf-8", include_str!("docs/docs.html")),
    ("/docs/docs.css", "text/css; charset=utf-8", include_str!("docs/docs.css")),
    ("/docs/docs.js", "text/javascript; charset=utf-8", include_str!("docs/docs.js")),
];
