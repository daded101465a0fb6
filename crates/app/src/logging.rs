//! The log: on standard error, in the configured form.
//!
//! No log line may hold a token, a password or a message's text; ids are enough.

use std::io::{self, IsTerminal as _, Write};

use anyhow::{Context as _, anyhow};
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Format, Log};

/// Starts the log of this process.
///
/// # Errors
/// The directives are not understood, or a log was started before.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(log.directives()).context("the log's filter is not understood")?;
    let lines = fmt().with_env_filter(filter).with_writer(Lines::default).with_ansi(io::stderr().is_terminal());
    match log.format {
        Format::Pretty => lines.try_init(),
        Format::Compact => lines.compact().with_target(false).try_init(),
        // An event's fields stand beside `timestamp`, `level`, `target` and `message`, as in Veza's log.
        Format::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    }
    .map_err(|error| anyhow!("the log cannot be started: {error}"))
}

/// Standard error, as far as it takes anything. Lines that it does not take are lost: on a full disk, where the log may
/// stand as well, whoever logs would else be told of the failure on standard error, fail at that too, and panic.
struct Lines<W = io::Stderr>(W);

impl Default for Lines {
    fn default() -> Self {
        Self(io::stderr())
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _lost = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _lost = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_log_that_cannot_be_written_is_nobodys_failure() {
        let mut lines = Lines(Full);
        assert!(lines.write_all(b"a line\n").is_ok() && lines.flush().is_ok());
    }
}
