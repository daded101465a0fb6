//! `palabre config`

use clap::Subcommand;

use super::say;
use crate::config::{Flags, describe, load};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print a TOML file with every key, its meaning and its default
    Template,
    /// Check the configuration, and tell the values in force and where each came from
    Check,
    /// Print the reference of all keys as Markdown
    Docs,
}

pub(super) fn run(command: &Command, flags: &Flags) -> anyhow::Result<()> {
    match command {
        Command::Template => say(&describe::template()),
        Command::Check => say(&describe::report(&load(flags)?)),
        Command::Docs => say(&describe::reference()),
    }
}
