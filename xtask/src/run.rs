//! `cargo xtask run`: build the web client and the server, and start it.

use std::{env, os::unix::process::CommandExt as _, process::Command};

use anyhow::ensure;

use crate::{client, shell};

/// The variable that says what the server is for.
const ENVIRONMENT: &str = "PALABRE_SERVER__ENVIRONMENT";

/// Becomes the server, so that signals reach it. The environment is the caller's: it configures.
pub fn run(flags: &[String]) -> anyhow::Result<()> {
    let flags = flags.strip_prefix(&["--".to_owned()]).unwrap_or(flags);
    client::build_if_possible();
    // Apart from the start, so that what the build says stands above what the server says.
    let built = cargo(&["build", "--package", "palabre"]).status()?;
    ensure!(built.success(), "the server does not build");
    let mut server = cargo(&["run", "--quiet", "--package", "palabre", "--", "serve"]);
    server.args(flags);
    if !says_what_it_is_for(flags) {
        server.env(ENVIRONMENT, "development");
    }
    Err(server.exec().into())
}

/// Cargo with the caller's environment.
fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(shell::root()).args(arguments);
    cargo
}

/// Whether somebody has configured `server.environment`. The server itself is asked: a file, a variable or one of the
/// old names may say it. If the configuration cannot be read, the start will tell why.
fn says_what_it_is_for(flags: &[String]) -> bool {
    let mut check = cargo(&["run", "--quiet", "--package", "palabre", "--", "config", "check"]);
    let told = check.args(flags).output();
    told.is_ok_and(|told| !is_left_to_default(&String::from_utf8_lossy(&told.stdout)))
}

fn is_left_to_default(report: &str) -> bool {
    let mut lines = report.lines().filter(|line| line.starts_with("server.environment = "));
    lines.any(|line| line.rsplit_once('#').is_some_and(|(_, origin)| origin.trim() == "default"))
}

#[cfg(test)]
mod tests {
    use super::is_left_to_default;

    #[test]
    fn what_somebody_has_configured_is_left_as_it_is() {
        assert!(is_left_to_default("a = 1 # x\nserver.environment = \"production\"   # default\n"));
        for origin in ["palabre.toml", "PALABRE_SERVER__ENVIRONMENT", "APP_ENV"] {
            assert!(!is_left_to_default(&format!("server.environment = \"production\"  # {origin}\n")), "{origin}");
        }
        assert!(!is_left_to_default(""), "a report without it is none to rely on");
    }
}
