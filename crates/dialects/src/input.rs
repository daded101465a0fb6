//! Parses input objects, so that every refusal names its field; shared by the dialects.

use std::fmt;

use chat::{Error, ErrorCode, MAX_SAFE_INTEGER};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, Visitor},
};
use serde_path_to_error::Segment;

/// Parses an input object.
///
/// # Errors
/// `invalid`, with the field as a JSON Pointer; the pointer is empty if the input is not an object.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    // A derived struct would also accept its fields as an array.
    if !text.trim_start().starts_with('{') {
        let whole = Error::new(ErrorCode::Invalid, "The input must be an object.");
        return Err(Error { field: Some(String::new()), ..whole });
    }
    // Tracking the path costs time, which is spent only on invalid input.
    serde_json::from_str(text).or_else(|_| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| explain(&error))
    })
}

/// The pointer to a field of this name in the object in which the error is.
fn within(error: &serde_path_to_error::Error<serde_json::Error>, name: &str) -> String {
    let mut keys: Vec<&str> = error
        .path()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(key.as_str()),
            _ => None,
        })
        .collect();
    if keys.last() == Some(&name) {
        keys.pop();
    }
    keys.push(name);
    keys.into_iter().map(pointer_to).collect()
}

/// Turns the decoder's error into a refusal. It repeats nothing of the input except names of fields.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let words = error.inner().to_string();
    let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
    let named = |start: &str, end: &str| {
        let rest = words.strip_prefix(start)?;
        Some(rest.rfind(end).map_or(rest, |at| &rest[..at]).to_owned())
    };
    let known = if words.ends_with("there are no fields") { "`, there are no fields" } else { "`, expected " };
    if let Some(name) = named("unknown field `", known) {
        return Error::invalid(&within(error, &name), "There is no such field here.");
    }
    if let Some(name) = named("missing field `", "`") {
        return Error::invalid(&within(error, &name), format!("{name} is missing."));
    }
    if let Some(name) = named("duplicate field `", "`") {
        return Error::invalid(&within(error, &name), format!("{name} is given twice."));
    }
    let mut pointer = String::new();
    let mut name = String::from("The input");
    for segment in error.path() {
        let step = match segment {
            Segment::Map { key } => key.clone(),
            Segment::Seq { index } => index.to_string(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push_str(&pointer_to(&step));
        name = pointer.trim_start_matches('/').replace('/', ".");
    }
    let why = if words.contains("surrogate") || words.contains("hex escape") {
        "holds half of a surrogate pair, which is not a character".to_owned()
    } else if words.contains("out of range") {
        "is a number that is far too large".to_owned()
    } else if let Some((_, expected)) = words.rsplit_once(", expected ") {
        format!("must be {expected}")
    } else if words.starts_with("must ") || words.starts_with("may ") {
        words.to_owned()
    } else {
        "cannot be read".to_owned()
    };
    Error { field: Some(pointer), ..Error::new(ErrorCode::Invalid, format!("{name} {why}.")) }
}

/// One segment of a JSON Pointer.
pub(crate) fn pointer_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// For a field whose absence means "unchanged" and whose `null` means "cleared".
pub(crate) fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// For a field that may be absent, but not `null`.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An id or a number: a whole number from 0 to 2^53 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Integer(pub i64);

struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = Integer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 0 to {MAX_SAFE_INTEGER}")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Integer, E> {
        match i64::try_from(value) {
            Ok(value) if value <= MAX_SAFE_INTEGER => Ok(Integer(value)),
            _ => Err(E::invalid_value(serde::de::Unexpected::Unsigned(value), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(IntegerVisitor)
    }
}

/// A text without NUL; lone surrogates are refused earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.contains('\0') {
            return Err(D::Error::custom("may not contain the character NUL (U+0000)"));
        }
        Ok(Self(text))
    }
}
