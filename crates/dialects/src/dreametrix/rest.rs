//! The old REST interface, in its shapes.

use chat::{Error, ErrorCode};

use crate::rest::{Call, Captures, Misrouted, Request, find};

const ROUTES: &[(&str, &str, ())] = &[];

/// The operation of a request, and what its path says.
pub struct Matched {
    path: &'static str,
    captures: Captures,
}

impl Matched {
    /// The path with its placeholders, for logs and metrics.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Whether a credential is needed.
    #[must_use]
    pub fn needs_speaker(&self) -> bool {
        true
    }
}

/// Finds the operation of a method and a path (still percent-encoded).
///
/// # Errors
/// `unknown_command` (404), `method_not_allowed` (405), or `malformed` (400) if the path is not UTF-8.
pub fn route(method: &str, path: &str) -> Result<Matched, Misrouted> {
    let routes = ROUTES.iter().map(|&(method, path, ())| (method, path, path));
    let (path, captures) = find(routes, method, path)?;
    Ok(Matched { path, captures })
}

/// Reads a request.
///
/// # Errors
/// What is wrong with the request.
pub fn request(matched: &Matched, _request: &Request<'_>) -> Result<Call, Error> {
    let _ = &matched.captures;
    Err(Error::new(ErrorCode::NotImplemented, "Not yet."))
}

/// The status and the body of a refusal.
#[must_use]
pub fn problem(error: &Error) -> (u16, String) {
    (error.code.status(), error.detail.clone())
}
