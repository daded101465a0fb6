//! Proves that the tests work: a server with any of the deliberate faults must fail.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::{
    chaos,
    shell::{cargo, succeed},
};

/// Builds the server with all deliberate faults, one of which is chosen when it starts, and the program that finds
/// them.
///
/// # Errors
/// If it does not build.
pub fn build() -> Result<()> {
    succeed(&mut cargo(&["build", "--locked", "--package", "palabre", "--bin", "palabre", "--features", "mutants"]))?;
    let binary = binary();
    fs::create_dir_all(chaos::target().join("mutants"))?;
    fs::copy(chaos::target().join("debug/palabre"), &binary).context("cannot copy the server with faults")?;
    chaos::build()
}

/// Checks that each deliberate fault of the server that [`build`] made is found.
///
/// # Errors
/// If a fault is not found.
pub fn run() -> Result<()> {
    succeed(chaos::program().arg("mutants").arg("--binary").arg(binary()))
}

/// A path where a build without the faults does not overwrite it.
fn binary() -> PathBuf {
    chaos::target().join("mutants/palabre")
}
