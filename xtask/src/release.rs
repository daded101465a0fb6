//! The program as people get it: built, stripped, and with its size checked.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::{
    chaos::target,
    shell::{cargo, command, succeed},
};

/// The largest size of the program, in bytes. It had 159 million with its line tables, and has 37 million without.
const CEILING: u64 = 50_000_000;

/// Builds the release at low priority, beside other work.
///
/// # Errors
/// If it does not build.
pub fn build_beside() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = command("nice");
    build.args(["-n", "19"]).arg(cargo);
    succeed(build.args(["build", "--release", "--locked", "--quiet", "--package", "palabre"]))
}

/// Builds the release with further packages, and prints the program's size.
///
/// # Errors
/// If it does not build, or has become too large.
pub fn build(packages: &[&str]) -> Result<()> {
    let mut build = cargo(&["build", "--release", "--locked", "--package", "palabre"]);
    succeed(build.args(packages.iter().flat_map(|package| ["--package", package])))?;
    let program = target().join("release/palabre");
    let size = fs::metadata(&program).with_context(|| format!("{} is not there", program.display()))?.len();
    println!("{}: {size} bytes, of at most {CEILING}", program.display());
    ensure!(size <= CEILING, "the program has {size} bytes, more than {CEILING}: is it stripped?");
    Ok(())
}
