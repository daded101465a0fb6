//! How the fields of frames and bodies are read. The old clients say the same in several ways: at the top or in
//! `data`, as JSON or as a form; whoever asks for a field here need not know which.

use std::collections::BTreeMap;

use chat::{Error, ErrorCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::ids::RoomRef;
use crate::{
    input::{Integer, Text},
    rest::{Body, FormValue},
};

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// The type of a field.
pub(super) trait Field: DeserializeOwned {
    /// The rule for it, in words that follow "must be".
    const WHAT: &'static str;

    /// Reads it from a field of a form.
    fn from_text(text: &str) -> Option<Self>;
}

impl Field for Text {
    const WHAT: &'static str = "a text without NUL and half surrogate pairs";

    fn from_text(text: &str) -> Option<Self> {
        (!text.contains('\0')).then(|| Self(text.to_owned()))
    }
}

impl Field for bool {
    const WHAT: &'static str = "true or false";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Field for Integer {
    const WHAT: &'static str = "a whole number from 0 to 9007199254740991";

    fn from_text(text: &str) -> Option<Self> {
        let number: i64 = text.parse().ok()?;
        (0..=chat::MAX_SAFE_INTEGER).contains(&number).then_some(Self(number))
    }
}

impl Field for RoomRef {
    const WHAT: &'static str = "the id or the uuid of a room";

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// The fields of a frame or a body. Those that nobody asks for are not looked at; of a field that is given twice, the
/// last one counts, as in the old system.
pub(super) enum Fields<'a> {
    /// The object, and the one in its `data`, if any.
    Json(Object<'a>),
    /// A form.
    Form(&'a [(String, FormValue)]),
}

impl<'a> Fields<'a> {
    /// The fields of a JSON object.
    ///
    /// # Errors
    /// `malformed` if it is not JSON, `invalid` if it is no object.
    pub(super) fn json(text: &'a str) -> Result<Self, Error> {
        let whole: &RawValue =
            serde_json::from_str(text).map_err(|_| Error::new(ErrorCode::Malformed, "Invalid JSON"))?;
        object(whole).map(Self::Json).ok_or_else(|| Error::new(ErrorCode::Invalid, "The input must be a JSON object."))
    }

    /// The fields of a request's body.
    ///
    /// # Errors
    /// As of [`Fields::json`], and `not_implemented` if it holds a file: files are not kept here, and a message
    /// without its attachment would be another message.
    pub(super) fn body(body: &'a Body) -> Result<Self, Error> {
        let fields = match body {
            Body::Json(bytes) => {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| Error::new(ErrorCode::Malformed, "The body is not UTF-8."))?;
                Self::json(text)?
            }
            Body::Form(fields) => Self::Form(fields),
            Body::Pieces => return Err(Error::internal()),
        };
        match fields.file()? {
            true => Err(Error::new(ErrorCode::NotImplemented, "Files, attachments and voice notes are not kept here.")),
            false => Ok(fields),
        }
    }

    fn file(&self) -> Result<bool, Error> {
        for name in ["attachment", "voice_note"] {
            let given = match self {
                Self::Json(_) => self.raw(name)?.is_some_and(|raw| raw.get() != "\"\""),
                Self::Form(fields) => fields.iter().any(|(known, value)| match value {
                    FormValue::File => true,
                    FormValue::Text(text) => known == name && !text.is_empty(),
                }),
            };
            if given {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The object's value under this name, at the top or else in `data`; `null` is nothing.
    fn raw(&self, name: &str) -> Result<Option<&'a RawValue>, Error> {
        let Self::Json(top) = self else { return Ok(None) };
        if let Some(value) = filled(top, name) {
            return Ok(Some(value));
        }
        let Some(data) = filled(top, "data") else { return Ok(None) };
        let data = object(data).ok_or_else(|| Error::invalid("data", "data must be an object."))?;
        Ok(filled(&data, name))
    }

    /// The field of this name, if it is given.
    ///
    /// # Errors
    /// `invalid`, with the field.
    pub(super) fn get<T: Field>(&self, name: &str) -> Result<Option<T>, Error> {
        match self {
            Self::Json(_) => self.raw(name)?.map(|raw| value(name, raw)).transpose(),
            Self::Form(_) => self.texts(name).next_back().map(|text| entry(name, text)).transpose(),
        }
    }

    /// The field of this name.
    ///
    /// # Errors
    /// `invalid`, with the field, also if it is missing.
    pub(super) fn need<T: Field>(&self, name: &str) -> Result<T, Error> {
        self.get(name)?.ok_or_else(|| missing(name))
    }

    /// The field of this name at the top, where `data` cannot stand for it.
    ///
    /// # Errors
    /// `invalid`, with the field, also if it is missing.
    pub(super) fn need_at_top<T: Field>(&self, name: &str) -> Result<T, Error> {
        let Self::Json(top) = self else { return self.need(name) };
        filled(top, name).ok_or_else(|| missing(name)).and_then(|raw| value(name, raw))
    }

    /// The entries of a list: a JSON array, or a form's field that is repeated.
    ///
    /// # Errors
    /// `invalid`, with the field.
    pub(super) fn list<T: Field>(&self, name: &str) -> Result<Vec<T>, Error> {
        match self {
            Self::Form(_) => self.texts(name).map(|text| entry(name, text)).collect(),
            Self::Json(_) => {
                let Some(raw) = self.raw(name)? else { return Ok(Vec::new()) };
                let wrong = || Error::invalid(name, format!("{name} must be a list; an entry must be {}.", T::WHAT));
                serde_json::from_str(raw.get()).map_err(|_| wrong())
            }
        }
    }

    fn texts(&self, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
        let fields: &'a [(String, FormValue)] = match self {
            Self::Json(_) => &[],
            Self::Form(fields) => fields,
        };
        fields.iter().filter(move |(known, _)| known == name).filter_map(|(_, value)| match value {
            FormValue::Text(text) => Some(text.as_str()),
            FormValue::File => None,
        })
    }
}

fn object(raw: &RawValue) -> Option<Object<'_>> {
    Object::deserialize(raw).ok()
}

fn filled<'a>(object: &Object<'a>, name: &str) -> Option<&'a RawValue> {
    object.get(name).copied().filter(|raw| raw.get() != "null")
}

/// The refusal of an input without this field.
pub(super) fn missing(name: &str) -> Error {
    Error::invalid(name, format!("{name} is missing."))
}

fn value<T: Field>(name: &str, raw: &RawValue) -> Result<T, Error> {
    serde_json::from_str(raw.get()).map_err(|_| wrong::<T>(name))
}

fn entry<T: Field>(name: &str, text: &str) -> Result<T, Error> {
    T::from_text(text).ok_or_else(|| wrong::<T>(name))
}

fn wrong<T: Field>(name: &str) -> Error {
    Error::invalid(name, format!("{name} must be {}.", T::WHAT))
}
