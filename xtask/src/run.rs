//! `cargo xtask run`: build and start the server.

use std::{env, os::unix::process::CommandExt as _, process::Command};

use crate::shell;

/// Becomes the server, so that signals reach it. The environment is the caller's: it configures.
pub fn run(flags: &[String]) -> anyhow::Result<()> {
    let flags = flags.strip_prefix(&["--".to_owned()]).unwrap_or(flags);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let error = Command::new(cargo)
        .current_dir(shell::root())
        .args(["run", "--package", "palabre", "--", "serve"])
        .args(flags)
        .exec();
    Err(error.into())
}
