//! The common part of the dialects' REST interfaces.
//!
//! A request becomes a [`Call`]: a [`Step`], which is driven by the same loop as a socket's, and a [`Pending`], which
//! has the answer once the step is over. The step of a call always ends in `Say` or `Refuse` **without texts**; the
//! driver then takes [`Pending::outcome`].

use std::sync::{Arc, OnceLock};

use chat::{Error, ErrorCode, FileId, accounts::Speaker};

use crate::Step;
pub use crate::answer::{Content, Cookie, RestAnswer};

/// The media type of most answers.
pub const JSON: &str = "application/json";

/// Looks up a request's header by its name in lower case.
pub type Headers<'a> = &'a (dyn Fn(&str) -> Option<String> + 'a);

/// A request, without its method and path.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The speaker, if a credential was needed.
    pub speaker: Option<&'a Speaker>,
    /// The query, without the `?`.
    pub query: &'a str,
    /// The body.
    pub body: &'a Body,
    /// The headers.
    pub header: Headers<'a>,
    /// The server's URL as the caller sees it (`http://localhost:8000`), for links to further pages.
    pub base: &'a str,
}

/// A request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// JSON, not parsed yet; empty if there is no body.
    Json(Vec<u8>),
    /// The fields of a form, in order.
    Form(Vec<(String, FormValue)>),
    /// Bytes of any media type, read on demand by [`Step::Piece`] or [`Step::Receive`].
    Pieces,
}

/// The value of a form's field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormValue {
    /// A text.
    Text(String),
    /// A file; its content was not read.
    File,
}

/// The handler of a request.
pub struct Matched {
    /// The path with its placeholders, for logs and metrics.
    pub path: &'static str,
    /// Whether a credential is needed.
    pub needs_speaker: bool,
    /// The cookie that is a credential for this request alone, if there is one: it opens files and nothing else.
    pub files_cookie: Option<&'static str>,
    /// The file that a link opens here, if there is one: a token in the query parameter `link` is then a credential for
    /// it.
    pub linked: Option<FileId>,
    /// How its body is read.
    pub takes: Takes,
    /// The headers of every answer, refusals included.
    pub always: &'static [(&'static str, &'static str)],
    /// Parses the rest of the request, or refuses it.
    pub read: Read,
}

/// How the body of a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Before the request is handled, within the limit of a frame: JSON or a form.
    Whole,
    /// While the request is handled, piece by piece, on demand.
    Pieces {
        /// The most bytes of all pieces together.
        most: u64,
    },
    /// The same, for a body that becomes a file, within the limit of files.
    File,
}

/// Parses a request whose method and path are known.
pub type Read = Box<dyn Fn(&Request<'_>) -> Result<Call, Error> + Send + Sync>;

impl Matched {
    /// The handler of a found operation, made of a dialect's functions.
    pub(crate) fn by<O: Copy + Send + Sync + 'static>(
        found: Found<O>,
        needs_speaker: fn(O) -> bool,
        read: fn(&Found<O>, &Request<'_>) -> Result<Call, Error>,
    ) -> Self {
        let (path, needs_speaker) = (found.path, needs_speaker(found.operation));
        Self {
            path,
            needs_speaker,
            files_cookie: None,
            linked: None,
            takes: Takes::Whole,
            always: &[],
            read: Box::new(move |request| read(&found, request)),
        }
    }
}

/// The refusal of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The media type of the body.
    pub media_type: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Refusal {
    /// A refusal in JSON.
    pub(crate) fn json((status, body): (u16, String)) -> Self {
        Self { media_type: JSON, status, body }
    }
}

/// A table of requests: method, path template and operation.
pub(crate) type Routes<O> = [(&'static str, &'static str, O)];

/// The operation of a request, and the values in its path.
pub(crate) struct Found<O> {
    /// The path with its placeholders.
    pub(crate) path: &'static str,
    /// The operation.
    pub(crate) operation: O,
    captures: Captures,
}

impl<O: Copy> Found<O> {
    /// Finds the operation of a method and a path (still percent-encoded).
    pub(crate) fn among(routes: &Routes<O>, method: &str, path: &str) -> Result<Self, Misrouted> {
        let routes = routes.iter().map(|&(method, path, operation)| (method, path, (path, operation)));
        let ((path, operation), captures) = find(routes, method, path)?;
        Ok(Self { path, operation, captures })
    }

    /// The value of the first placeholder; empty if there is none.
    pub(crate) fn first(&self) -> &str {
        self.captures.first().map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// The value of a placeholder; empty if the path has none with this name.
    pub(crate) fn captured(&self, name: &str) -> &str {
        self.captures.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str()).unwrap_or_default()
    }
}

impl Request<'_> {
    /// The body, for an endpoint that accepts only JSON.
    ///
    /// # Errors
    /// `malformed` if it is not JSON.
    pub fn json(&self) -> Result<&[u8], Error> {
        match self.body {
            Body::Json(bytes) => Ok(bytes),
            Body::Form(_) | Body::Pieces => {
                Err(Error::new(ErrorCode::Malformed, "The body must be JSON: Content-Type: application/json."))
            }
        }
    }
}

/// A request that was parsed.
pub struct Call {
    /// The step to be executed.
    pub step: Step,
    /// The place of the answer.
    pub pending: Pending,
}

/// The answer of a call, once its step is over.
pub struct Pending(Arc<OnceLock<Result<RestAnswer, Error>>>);

impl Pending {
    /// The answer.
    ///
    /// # Errors
    /// The refusal that the step ended with; `internal` if the step is not over.
    pub fn outcome(self) -> Result<RestAnswer, Error> {
        self.0.get().cloned().unwrap_or_else(|| Err(Error::internal()))
    }
}

/// The step's side of a [`Pending`], where it puts the answer.
#[derive(Clone)]
pub struct Desk(Arc<OnceLock<Result<RestAnswer, Error>>>);

impl Desk {
    /// A new pair.
    #[must_use]
    pub fn new() -> (Self, Pending) {
        let slot = Arc::new(OnceLock::new());
        (Self(Arc::clone(&slot)), Pending(slot))
    }

    /// Puts the answer, and ends the step.
    pub fn end(&self, outcome: Result<RestAnswer, Error>) -> Step {
        self.put(outcome);
        Step::Say(Vec::new())
    }

    /// Puts the answer. A second one has no effect.
    pub fn put(&self, outcome: Result<RestAnswer, Error>) {
        let _ = self.0.set(outcome);
    }
}

/// A request without an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misrouted {
    /// `unknown_command` or `method_not_allowed`.
    pub error: Error,
    /// The value of the `Allow` header; empty if the path is unknown.
    pub allow: Vec<&'static str>,
}

/// A path's placeholders and their decoded values, in order.
pub(crate) type Captures = Vec<(&'static str, String)>;

/// Finds the route whose method and path template (`/v1/users/{user}`) fit. If two templates fit, the one whose literal
/// segments come first wins (`/v1/users/me`).
pub(crate) fn find<R>(
    routes: impl Iterator<Item = (&'static str, &'static str, R)>,
    method: &str,
    path: &str,
) -> Result<(R, Captures), Misrouted> {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut best = 0;
    let mut there: Vec<(&'static str, &'static str, R)> = Vec::new();
    for (route_method, template, route) in routes {
        let Some(literals) = fits(template, path) else { continue };
        if literals > best {
            there.clear();
            best = literals;
        }
        if literals == best {
            there.push((route_method, template, route));
        }
    }
    if there.is_empty() {
        let error = Error::new(ErrorCode::UnknownCommand, "There is nothing at this path.");
        return Err(Misrouted { error, allow: Vec::new() });
    }
    let Some(index) = there.iter().position(|(known, ..)| *known == method) else {
        let mut allow: Vec<&'static str> = there.iter().map(|(known, ..)| *known).collect();
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        let detail = format!("Allowed here: {}.", allow.join(", "));
        return Err(Misrouted { error: Error::new(ErrorCode::MethodNotAllowed, detail), allow });
    };
    let (_, template, route) = there.swap_remove(index);
    let captures = captures(template, path).map_err(|error| Misrouted { error, allow: Vec::new() })?;
    Ok((route, captures))
}

/// Whether a path fits a template: one bit for each segment, the first one highest, set if it fits literally.
/// The empty segment before the first slash always does, so that the bits are never all zero.
fn fits(template: &str, path: &str) -> Option<u64> {
    let mut segments = path.split('/');
    let mut literals = 0;
    for part in template.split('/') {
        let segment = segments.next()?;
        let open = part.starts_with('{');
        if (open && segment.is_empty()) || (!open && part != segment) {
            return None;
        }
        literals = literals << 1 | u64::from(!open);
    }
    segments.next().is_none().then_some(literals)
}

fn captures(template: &'static str, path: &str) -> Result<Captures, Error> {
    let mut found = Captures::new();
    for (part, segment) in template.split('/').zip(path.split('/')) {
        if let Some(name) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            found.push((name, percent_decode(segment, false).ok_or_else(|| undecodable(name))?));
        }
    }
    Ok(found)
}

fn undecodable(name: &str) -> Error {
    let detail = format!("{name} is not percent-encoded UTF-8.");
    Error { field: Some(format!("/{name}")), ..Error::new(ErrorCode::Malformed, detail) }
}

/// The parameters of a query string (without the `?`), or the fields of an encoded form, decoded, in order.
///
/// # Errors
/// `malformed` if they are not percent-encoded UTF-8.
pub fn query_pairs(query: &str) -> Result<Vec<(String, String)>, Error> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode(name, true)
                .ok_or_else(|| Error::new(ErrorCode::Malformed, "The query string is not percent-encoded UTF-8."))?;
            let value = percent_decode(value, true).ok_or_else(|| undecodable(&name))?;
            Ok((name, value))
        })
        .collect()
}

/// Decodes `%XX`, and `+` as a space if `plus` is set. `None` if the result is not UTF-8.
fn percent_decode(text: &str, plus: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                digits.iter().try_fold(0_u8, |sum, d| Some(sum * 16 + char::from(*d).to_digit(16)? as u8))?
            }
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_or_refused() {
        assert_eq!(percent_decode("%F0%9F%91%8D+a", false).as_deref(), Some("👍+a"));
        assert_eq!(percent_decode("a+b%2B", true).as_deref(), Some("a b+"));
        for bad in ["%", "%4", "%zz", "%ff", "%F0%9F"] {
            assert_eq!(percent_decode(bad, false), None, "{bad}");
        }
        assert_eq!(query_pairs("a=1&&b&c=%26").unwrap().len(), 3);
        assert!(query_pairs("a=%ff").is_err());
    }

    #[test]
    fn literal_segments_win_and_methods_are_listed() {
        let routes = [("GET", "/u/{id}", 1), ("GET", "/u/me", 2), ("PUT", "/u/me", 3)];
        let find = |method, path| find(routes.into_iter(), method, path);
        assert_eq!(find("GET", "/u/me").unwrap().0, 2);
        assert_eq!(find("HEAD", "/u/7").unwrap(), (1, vec![("id", "7".to_owned())]));
        assert_eq!(find("DELETE", "/u/me").unwrap_err().allow, ["GET", "PUT", "HEAD"]);
        for unknown in ["/u", "/u/", "/u/1/", "/", "", "u/me"] {
            assert_eq!(find("GET", unknown).unwrap_err().error.code, ErrorCode::UnknownCommand, "{unknown}");
        }
        assert_eq!(find("GET", "/u/%ff").unwrap_err().error.code, ErrorCode::Malformed);
    }
}
