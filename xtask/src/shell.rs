//! Starts other programs.

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

use crate::scratch;

/// The repository's folder.
pub fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map_or(xtask.clone(), PathBuf::from)
}

/// A command that runs in the repository's folder, without the variables that configure a server on this machine.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let ours = name.to_str().is_some_and(|name| name.starts_with("PALABRE_") || name.starts_with("CHAT_SERVER_"));
        if ours || name == "DATABASE_URL" || name == "JWT_SECRET" || name == "WS_BIND_ADDR" {
            command.env_remove(name);
        }
    }
    command
}

/// A command for the cargo that runs this program.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// What a check compiles, always all of it: with fewer packages cargo would choose other features for the libraries that
/// these share with the others, and compile the libraries and all that uses them once more. The program `xtask` is not
/// among it, because it is what runs.
const EVERYTHING: &[&str] = &["--locked", "--workspace", "--tests", "--bin", "palabre", "--bin", "chaos"];

/// Builds all tests, the server and `chaos`: once, for all steps of a check.
pub fn build_everything() -> anyhow::Result<()> {
    succeed(&mut cargo(&[&["build"], EVERYTHING].concat()))
}

/// Runs tests of what [`build_everything`] builds. The arguments choose among them by the names of their targets, and not
/// by packages.
/// Their files go to a folder of this process.
pub fn tests(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut tests = cargo(&[&["test", "--locked", "--workspace", "--no-fail-fast"], arguments].concat());
    tests.env("TMPDIR", scratch::folder()?);
    Ok(tests)
}

/// The same, twice as many at once as there are cores. Beside a PostgreSQL a test waits half of its time.
pub fn waiting_tests(arguments: &[&str]) -> anyhow::Result<Command> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut tests = tests(arguments)?;
    tests.env("RUST_TEST_THREADS", (2 * cores).to_string());
    Ok(tests)
}

/// Program and arguments, for messages; not the environment, which may hold a password.
fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs a command to its end, with our own output.
pub fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let name = name(command);
    let status = command.status().with_context(|| format!("{name} cannot be started"))?;
    ensure!(status.success(), "{name} failed ({status})");
    Ok(())
}

/// Runs a command to its end and returns what it printed.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = name(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("{name} cannot be started"))?;
    ensure!(output.status.success(), "{name} failed ({})", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("{name} printed something that is not text"))
}

/// Whether a command runs and succeeds; its output is discarded.
pub fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
