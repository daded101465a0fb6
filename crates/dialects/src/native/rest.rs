//! The REST interface. How it is driven:
//!
//! 1. [`route`] finds the operation of a method and path, or says `404`/`405` (with the `Allow` list).
//!    [`Matched::needs_speaker`] tells whether a credential is needed.
//! 2. [`request`] reads the rest of the request into a [`Call`]: `call.step` is driven exactly like a
//!    socket's step, until it ends in `Say` (whose texts are empty here).
//! 3. `call.pending.outcome()` then has the [`RestAnswer`](crate::rest::RestAnswer) (status and body), or the refusal.
//! 4. Any refusal, whether from `route`, `request` or the outcome, is said by [`problem`].
//!
//! Path, query parameters, `Idempotency-Key` and body become one input object, which is then read by the
//! very code that reads a socket's command.

use std::collections::BTreeMap;

use chat::{ClientId, Error, ErrorCode, FileId};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    avatars::{self, Picture},
    encode, fields,
    files::{self, Bytes},
    table::{OPERATIONS, Operation, ParameterKind, Route},
};
use crate::input::pointer_to;
use crate::rest::{Call, Captures, Desk, Misrouted, Request, RestAnswer, Takes, find, query_pairs};

/// The media type of [`problem`]'s text.
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// The operation of a request, and what its path says.
pub struct Matched {
    handler: Handler,
    captures: Captures,
}

/// The function that reads a request.
#[derive(Clone, Copy)]
enum Handler {
    /// An operation of the table.
    Operation(&'static Operation, &'static Route),
    /// The bytes of a file go over it.
    Bytes(Bytes, &'static str),
    /// The answer is a picture.
    Picture(Picture, &'static str),
}

impl Matched {
    /// The operation's name, for logs and metrics.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self.handler {
            Handler::Operation(operation, _) => operation.name,
            Handler::Bytes(bytes, _) => bytes.name(),
            Handler::Picture(picture, _) => picture.name(),
        }
    }

    /// The path with its placeholders, for logs and metrics.
    #[must_use]
    pub fn path(&self) -> &'static str {
        match self.handler {
            Handler::Operation(_, route) => route.path,
            Handler::Bytes(_, path) | Handler::Picture(_, path) => path,
        }
    }

    /// Whether a credential is needed.
    #[must_use]
    pub fn needs_speaker(&self) -> bool {
        match self.handler {
            Handler::Operation(operation, _) => operation.speaker,
            Handler::Bytes(bytes, _) => bytes.needs_speaker(),
            Handler::Picture(picture, _) => picture.needs_speaker(),
        }
    }

    /// The cookie that is a credential here.
    #[must_use]
    pub fn files_cookie(&self) -> Option<&'static str> {
        match self.handler {
            Handler::Bytes(bytes, _) if bytes.reads() => Some(files::COOKIE),
            Handler::Picture(picture, _) => picture.files_cookie(),
            Handler::Bytes(..) | Handler::Operation(..) => None,
        }
    }

    /// The file that a link opens here.
    #[must_use]
    pub fn linked(&self) -> Option<FileId> {
        match self.handler {
            Handler::Bytes(bytes, _) if bytes.reads() => files::file_in(&self.captures),
            Handler::Bytes(..) | Handler::Picture(..) | Handler::Operation(..) => None,
        }
    }

    /// The headers of every answer, refusals included.
    #[must_use]
    pub fn always(&self) -> &'static [(&'static str, &'static str)] {
        match self.handler {
            Handler::Bytes(bytes, _) => bytes.always(),
            Handler::Operation(..) | Handler::Picture(..) => &[],
        }
    }

    /// How the body is read.
    #[must_use]
    pub fn takes(&self) -> Takes {
        match self.handler {
            Handler::Operation(..) | Handler::Picture(..) => Takes::Whole,
            Handler::Bytes(bytes, _) => bytes.takes(),
        }
    }
}

/// Finds the operation of a method and a path (still percent-encoded). `HEAD` is answered like `GET`.
///
/// # Errors
/// `unknown_command` (404), `method_not_allowed` (405), or `malformed` (400) if the path is not UTF-8.
pub fn route(method: &str, path: &str) -> Result<Matched, Misrouted> {
    let of_table = OPERATIONS.iter().flat_map(|operation| {
        let handler = move |route| Handler::Operation(operation, route);
        operation.routes.iter().map(move |route| (route.method, route.path, handler(route)))
    });
    let of_bytes = files::ROUTES.iter().map(|(method, path, bytes)| (*method, *path, Handler::Bytes(*bytes, path)));
    let of_pictures =
        avatars::ROUTES.iter().map(|(method, path, picture)| (*method, *path, Handler::Picture(*picture, path)));
    let (handler, captures) = find(of_table.chain(of_bytes).chain(of_pictures), method, path)?;
    Ok(Matched { handler, captures })
}

/// Reads a request.
///
/// # Errors
/// The mistake in the request, with the field as a JSON Pointer.
pub fn request(matched: &Matched, request: &Request<'_>) -> Result<Call, Error> {
    let (operation, route) = match matched.handler {
        Handler::Operation(operation, route) => (operation, route),
        Handler::Bytes(bytes, _) => return bytes.request(&matched.captures, request),
        Handler::Picture(picture, _) => return picture.request(&matched.captures, request),
    };
    let idempotency_key = (request.header)("idempotency-key");
    let input = input(route, &matched.captures, request.query, request.json()?, idempotency_key.as_deref())?;
    let (desk, pending) = Desk::new();
    let status = route.status;
    let step = operation.step(request.speaker, &input, move |answer| {
        desk.put(answer.map(|answer| match status {
            204 => RestAnswer::empty(status),
            _ => RestAnswer::json(status, answer.data),
        }));
        Vec::new()
    })?;
    Ok(Call { step, pending })
}

/// The status and the problem object of a refusal.
#[must_use]
pub fn problem(error: &Error, request_id: Option<&str>) -> (u16, String) {
    (error.code.status(), encode::problem(error, request_id))
}

fn malformed(field: &str, detail: String) -> Error {
    Error { field: Some(pointer_to(field)), ..Error::new(ErrorCode::Malformed, detail) }
}

/// Everything that a request says, as one object.
fn input(
    route: &Route,
    captures: &Captures,
    query: &str,
    body: &[u8],
    idempotency_key: Option<&str>,
) -> Result<String, Error> {
    let body: Fields<'_> = if body.is_empty() {
        Fields::default()
    } else {
        serde_json::from_slice(body).map_err(|error| unreadable(&error))?
    };
    let mut fields: BTreeMap<String, String> =
        body.0.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect();
    let mut give = |name: &str, value: String| match fields.get(name) {
        Some(known) if !same(known, &value) => {
            Err(malformed(name, format!("{name} is given twice, with different values.")))
        }
        _ => {
            fields.insert(name.to_owned(), value);
            Ok(())
        }
    };
    for ((placeholder, text), (known, field, kind)) in captures.iter().zip(route.path_fields) {
        debug_assert_eq!(placeholder, known, "{}", route.path);
        give(field, parameter(field, *kind, text)?)?;
    }
    for (name, text) in query_pairs(query)? {
        let known = route.query.iter().find(|(known, _)| *known == name);
        let (field, kind) =
            known.ok_or_else(|| Error::invalid(&pointer_to(&name), "There is no such query parameter here."))?;
        give(field, parameter(field, *kind, &text)?)?;
    }
    if let Some(key) = idempotency_key.filter(|_| route.idempotency_key) {
        give("client_id", quoted(&client_id(key)?)?)?;
    }
    let mut input = String::with_capacity(256);
    for (name, value) in fields {
        input.push(if input.is_empty() { '{' } else { ',' });
        input.push_str(&quoted(&name)?);
        input.push(':');
        input.push_str(&value);
    }
    input.push_str(if input.is_empty() { "{}" } else { "}" });
    Ok(input)
}

fn unreadable(error: &serde_json::Error) -> Error {
    let words = error.to_string();
    let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
    match words.strip_prefix("twice: ") {
        Some(name) => malformed(name, format!("{name} is given twice.")),
        None if error.is_data() => Error::new(ErrorCode::Malformed, "The body must be a JSON object."),
        None => {
            let place = format!("line {}, column {}", error.line(), error.column());
            Error::new(ErrorCode::Malformed, format!("The body is not JSON: it cannot be read at {place}."))
        }
    }
}

/// Whether two JSON texts say the same.
fn same(one: &str, other: &str) -> bool {
    let value = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || value(one).is_some_and(|one| Some(one) == value(other))
}

/// A parameter's text as JSON.
fn parameter(field: &str, kind: ParameterKind, text: &str) -> Result<String, Error> {
    let whole = |text: &str| {
        let wrong = || Error::invalid(&pointer_to(field), format!("{field} must be {}.", expected(kind)));
        fields::number(text).map(|number| number.to_string()).ok_or_else(wrong)
    };
    match kind {
        ParameterKind::Text => quoted(text),
        ParameterKind::Integer => whole(text),
        ParameterKind::Boolean if matches!(text, "true" | "false") => Ok(text.to_owned()),
        ParameterKind::Boolean => {
            Err(Error::invalid(&pointer_to(field), format!("{field} must be {}.", expected(kind))))
        }
        ParameterKind::Integers => {
            let numbers: Result<Vec<String>, Error> =
                text.split(',').filter(|part| !part.is_empty()).map(whole).collect();
            Ok(format!("[{}]", numbers?.join(",")))
        }
    }
}

fn expected(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Integer => "a whole number from 0 to 9007199254740991",
        ParameterKind::Text => "a text",
        ParameterKind::Boolean => "true or false",
        ParameterKind::Integers => "whole numbers with commas between them",
    }
}

fn quoted(text: &str) -> Result<String, Error> {
    serde_json::to_string(text).map_err(|_| Error::internal())
}

/// The header's value; the IETF draft puts it in quotes, most clients do not.
fn client_id(header: &str) -> Result<String, Error> {
    let bare = header.trim();
    let bare = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(bare);
    let id = ClientId::parse(bare).map_err(|why| malformed("client_id", format!("The Idempotency-Key {why}.")))?;
    Ok(id.as_str().to_owned())
}

/// A body's fields, unread, each at most once.
#[derive(Default)]
struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if fields.0.contains_key(&name) {
                        return Err(A::Error::custom(format!("twice: {name}")));
                    }
                    fields.0.insert(name, value);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
