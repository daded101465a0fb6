//! The log: on standard error, in the configured form.
//!
//! Whoever logs must never log a token, a password or a message's text; ids are enough.

use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, anyhow};
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Format, Log};

/// Starts the log of this process.
///
/// # Errors
/// The directives are not understood, or a log was started before.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(log.directives()).context("the log's filter is not understood")?;
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match log.format {
        Format::Pretty => lines.try_init(),
        Format::Compact => lines.compact().with_target(false).try_init(),
        // An event's fields stand beside `timestamp`, `level`, `target` and `message`, as in Veza's log.
        Format::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    }
    .map_err(|error| anyhow!("the log cannot be started: {error}"))
}
