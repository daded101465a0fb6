//! `[log]`: what is written about the server's work.

use std::fmt;

use tracing_subscriber::EnvFilter;

use super::{
    key::{Key, text},
    values,
};

/// The section about the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// How much.
    pub level: Level,
    /// How much of what, in the place of `level`.
    pub filter: Option<String>,
    /// In what form.
    pub format: Format,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, filter: None, format: Format::Pretty }
    }
}

impl Log {
    /// The directives in force. Libraries that talk much are kept at what concerns an operator.
    #[must_use]
    pub fn directives(&self) -> String {
        match (&self.filter, self.level) {
            (Some(filter), _) => filter.clone(),
            (None, Level::Error | Level::Warn) => self.level.to_string(),
            (None, level) => format!("{level},sqlx=warn,hyper=warn"),
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Errors.
    Error,
    /// And what may go wrong.
    Warn,
    /// And what happens.
    Info,
    /// And how.
    Debug,
    /// And every step.
    Trace,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}

const LEVELS: &[(&str, Level)] = &[
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("warning", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Trace),
];

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for people, with colours where a terminal shows them.
    Pretty,
    /// The same, shorter.
    Compact,
    /// One JSON object in a line, for programs.
    Json,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pretty => "pretty",
            Self::Compact => "compact",
            Self::Json => "json",
        })
    }
}

const FORMATS: &[(&str, Format)] = &[("pretty", Format::Pretty), ("compact", Format::Compact), ("json", Format::Json)];

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "log",
            "level",
            "How much is logged.",
            "error, warn, info, debug or trace",
            |_, config, input| {
                config.log.level = values::one_of(input.text()?, LEVELS)?;
                Ok(())
            },
            |_, config| text(&config.log.level),
        ),
        Key::new(
            "log",
            "filter",
            "How much of what is logged, in the place of `level`: directives of tracing, as in `RUST_LOG`. \
             A `level` from a stronger layer ends it, so that `--log-level debug` always means what it says.",
            "directives such as info or info,sqlx=debug",
            |_, config, input| {
                let filter = input.text()?.trim();
                EnvFilter::try_new(filter).map_err(|error| format!("is not understood: {error}"))?;
                config.log.filter = Some(filter.to_owned());
                Ok(())
            },
            |_, config| config.log.filter.as_ref().and_then(text),
        )
        .unset("\"info,sqlx=debug\"", "made from `level`"),
        Key::new(
            "log",
            "format",
            "The form of a log line.",
            "pretty (for people), compact (the same, shorter) or json (one object in a line, for programs)",
            |_, config, input| {
                config.log.format = values::one_of(input.text()?, FORMATS)?;
                Ok(())
            },
            |_, config| text(&config.log.format),
        ),
    ]
}
