//! Our own protocol, `docs/protocol/native.md`: everything that the server can do, alike over the
//! socket and over REST. [`operations`] has the one table from which both are served and documented.

pub mod asyncapi;
pub mod decode;
pub mod encode;
pub mod fields;
mod forms;
pub mod openapi;
pub mod operations;
pub mod rest;
pub mod views;

#[cfg(test)]
mod hostile;
mod schemas;

/// The files of the browsable reference, `/docs`: page, style sheet, script.
pub const DOCS: [(&str, &str, &str); 3] = [
    ("/docs", "text/html; charset=utf-8", include_str!("docs/docs.html")),
    ("/docs/docs.css", "text/css; charset=utf-8", include_str!("docs/docs.css")),
    ("/docs/docs.js", "text/javascript; charset=utf-8", include_str!("docs/docs.js")),
];
