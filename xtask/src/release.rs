//! The program as people get it: built, stripped, and with its size checked.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::{
    chaos::target,
    shell::{cargo, succeed},
};

/// Which of the two builds of the program.
#[derive(Clone, Copy)]
pub enum Build {
    /// That of the tests, which a check has built.
    Debug,
    /// That of people.
    Release,
}

impl Build {
    /// Where the program is.
    pub fn program(self) -> PathBuf {
        target().join(match self {
            Self::Debug => "debug/palabre",
            Self::Release => "release/palabre",
        })
    }
}

/// The largest size of the program, in bytes. It has 66 million; with the tables of lines it would have several times as
/// many.
const CEILING: u64 = 100_000_000;

/// Checks that the product compiles without what only debug builds have, such as the deliberate faults. The libraries are
/// those that clippy has used.
///
/// # Errors
/// If it does not compile.
pub fn compiles() -> Result<()> {
    let without = ["profile.dev.debug-assertions=false", "profile.dev.package.\"*\".debug-assertions=true"];
    let mut check = cargo(&["check", "--locked", "--package", "palabre"]);
    succeed(check.args(without.iter().flat_map(|setting| ["--config", setting])))
}

/// Builds the release with further packages, and prints the program's size.
///
/// # Errors
/// If it does not build, or has become too large.
pub fn build(packages: &[&str]) -> Result<()> {
    let mut build = cargo(&["build", "--release", "--locked", "--package", "palabre"]);
    succeed(build.args(packages.iter().flat_map(|package| ["--package", package])))?;
    let program = Build::Release.program();
    let size = fs::metadata(&program).with_context(|| format!("{} is not there", program.display()))?.len();
    println!("{}: {size} bytes, of at most {CEILING}", program.display());
    ensure!(size <= CEILING, "the program has {size} bytes, more than {CEILING}: is it stripped?");
    Ok(())
}
