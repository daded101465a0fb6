//! A key of the configuration: its name, its meaning, what it accepts, how it is set and shown.

use std::{borrow::Cow, ops::RangeInclusive};

use super::Config;

/// Sets a key from what was given, or says what is wrong with it.
pub(super) type Set = fn(&Key, &mut Config, Input<'_>) -> Result<(), String>;
/// The value in force, absent where nothing is set.
pub(super) type Get = fn(&Key, &Config) -> Option<toml::Value>;

/// One key. Template, reference, checks and environment names follow from it.
pub struct Key {
    /// The table of the TOML file.
    pub section: &'static str,
    /// The name in that table.
    pub name: &'static str,
    /// Its meaning, in sentences.
    pub doc: Cow<'static, str>,
    /// The accepted values, in words that go on from "allowed:".
    pub allowed: Cow<'static, str>,
    /// For a key without a fixed default: an example in TOML, and what holds while it is not set.
    pub unset: Option<(&'static str, &'static str)>,
    /// How much of the value may be shown.
    pub secrecy: Secrecy,
    set: Set,
    get: Get,
}

/// How much of a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// All of it.
    Open,
    /// A URL, whose password is hidden.
    Url,
    /// Nothing.
    Hidden,
}

impl Key {
    pub(super) fn new(
        section: &'static str,
        name: &'static str,
        doc: impl Into<Cow<'static, str>>,
        allowed: impl Into<Cow<'static, str>>,
        set: Set,
        get: Get,
    ) -> Self {
        let (doc, allowed) = (doc.into(), allowed.into());
        Self { section, name, doc, allowed, unset: None, secrecy: Secrecy::Open, set, get }
    }

    pub(super) fn unset(mut self, example: &'static str, meanwhile: &'static str) -> Self {
        self.unset = Some((example, meanwhile));
        self
    }

    pub(super) fn secrecy(mut self, secrecy: Secrecy) -> Self {
        self.secrecy = secrecy;
        self
    }

    /// `section.name`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("PALABRE_{}__{}", self.section.to_uppercase(), self.name.to_uppercase())
    }

    /// Sets the key.
    ///
    /// # Errors
    /// The fault, and what is allowed. Never holds the value of a key that is not open.
    pub fn set(&self, config: &mut Config, input: Input<'_>) -> Result<(), String> {
        (self.set)(self, config, input).map_err(|reason| {
            let given = if self.secrecy == Secrecy::Open { format!(" = {input}") } else { String::new() };
            format!("{}{given}: {reason} (allowed: {})", self.path(), self.allowed)
        })
    }

    /// The value in force as it would stand in the file, secrets included.
    #[must_use]
    pub fn get(&self, config: &Config) -> Option<toml::Value> {
        (self.get)(self, config)
    }

    /// The value in force as it may be shown.
    #[must_use]
    pub fn shown(&self, config: &Config) -> Option<String> {
        let value = self.get(config)?;
        Some(match self.secrecy {
            Secrecy::Open => value.to_string(),
            Secrecy::Url => toml::Value::from(super::database::without_password(value.as_str()?)).to_string(),
            Secrecy::Hidden => "(hidden)".to_owned(),
        })
    }
}

/// A value that somebody gave: typed in the file, bare text in the environment and in flags.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// From the file.
    Toml(&'a toml::Value),
    /// From elsewhere.
    Text(&'a str),
}

impl std::fmt::Display for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Toml(value) => value.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl Input<'_> {
    pub(super) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Toml(toml::Value::String(text)) => Ok(text),
            Self::Toml(other) => Err(format!("is {}, not a text", kind(other))),
            Self::Text(text) => Ok(text),
        }
    }

    pub(super) fn integer(&self) -> Result<i64, String> {
        match self {
            Self::Toml(toml::Value::Integer(value)) => Ok(*value),
            Self::Toml(other) => Err(format!("is {}, not a whole number", kind(other))),
            Self::Text(text) => text.trim().parse().map_err(|_| "is not a whole number".to_owned()),
        }
    }

    pub(super) fn within<T: TryFrom<i64>>(&self, range: RangeInclusive<i64>) -> Result<T, String> {
        let value = self.integer()?;
        let out = || "is out of range".to_owned();
        if range.contains(&value) { T::try_from(value).map_err(|_| out()) } else { Err(out()) }
    }

    pub(super) fn boolean(&self) -> Result<bool, String> {
        match self {
            Self::Toml(toml::Value::Boolean(value)) => Ok(*value),
            Self::Toml(other) => Err(format!("is {}, not true or false", kind(other))),
            Self::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err("is neither true nor false".to_owned()),
            },
        }
    }

    /// A list: an array in the file, texts between commas elsewhere.
    pub(super) fn list(&self) -> Result<Vec<String>, String> {
        match self {
            Self::Toml(toml::Value::Array(entries)) => {
                entries.iter().map(|entry| Input::Toml(entry).text().map(str::to_owned)).collect()
            }
            Self::Toml(other) => Err(format!("is {}, not a list of texts", kind(other))),
            Self::Text(text) => {
                Ok(text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
            }
        }
    }
}

/// The type of a TOML value, with its article.
pub(super) fn kind(value: &toml::Value) -> &'static str {
    match value {
        toml::Value::String(_) => "a text",
        toml::Value::Integer(_) => "a whole number",
        toml::Value::Float(_) => "a fraction",
        toml::Value::Boolean(_) => "a boolean",
        toml::Value::Datetime(_) => "a date",
        toml::Value::Array(_) => "a list",
        toml::Value::Table(_) => "a table",
    }
}

/// The value as a TOML text.
pub(super) fn text(value: &impl ToString) -> Option<toml::Value> {
    Some(toml::Value::String(value.to_string()))
}
