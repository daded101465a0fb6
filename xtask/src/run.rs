//! `cargo xtask run`: builds the web client and the server, and starts it.

use std::{env, os::unix::process::CommandExt as _, process::Command};

use anyhow::ensure;

use crate::{client, shell};

/// The variable that sets the server's environment, such as development.
const ENVIRONMENT: &str = "PALABRE_SERVER__ENVIRONMENT";

/// Replaces this process by the server, so that signals reach it. It gets the caller's environment, which configures
/// it.
pub fn run(flags: &[String]) -> anyhow::Result<()> {
    let flags = flags.strip_prefix(&["--".to_owned()]).unwrap_or(flags);
    client::build_if_possible();
    // Built separately, so that the output of the build comes before that of the server.
    let built = cargo(&["build", "--package", "palabre"]).status()?;
    ensure!(built.success(), "the server does not build");
    let mut server = cargo(&["run", "--quiet", "--package", "palabre", "--", "serve"]);
    server.args(flags);
    if !says_what_it_is_for(flags) {
        server.env(ENVIRONMENT, "development");
    }
    Err(server.exec().into())
}

/// Cargo, with the caller's environment.
fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(shell::root()).args(arguments);
    cargo
}

/// Whether `server.environment` is configured. The server itself is asked, because a file, a variable or an old name
/// may set it. If the configuration is invalid, the start will say why.
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
    fn a_configured_environment_is_not_overridden() {
        assert!(is_left_to_default("a = 1 # x\nserver.environment = \"production\"   # default\n"));
        for origin in ["palabre.toml", "PALABRE_SERVER__ENVIRONMENT", "APP_ENV"] {
            assert!(!is_left_to_default(&format!("server.environment = \"production\"  # {origin}\n")), "{origin}");
        }
        assert!(!is_left_to_default(""), "a report without it is none to rely on");
    }
}
