//! The proof that the tests find something: a server with any of the deliberate faults must fail.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::{
    chaos,
    shell::{cargo, succeed},
};

/// Builds the server with all deliberate faults, of which one is chosen when it starts, and what finds them.
///
/// # Errors
/// It does not build.
pub fn build() -> Result<()> {
    succeed(&mut cargo(&["build", "--locked", "--package", "palabre", "--bin", "palabre", "--features", "mutants"]))?;
    let binary = binary();
    fs::create_dir_all(chaos::target().join("mutants"))?;
    fs::copy(chaos::target().join("debug/palabre"), &binary).context("cannot copy the server with faults")?;
    chaos::build()
}

/// Has each deliberate fault found in the server that [`build`] made.
///
/// # Errors
/// A fault is not found.
pub fn run() -> Result<()> {
    succeed(chaos::program().arg("mutants").arg("--binary").arg(binary()))
}

/// Where the sound server does not overwrite it.
fn binary() -> PathBuf {
    chaos::target().join("mutants/palabre")
}
