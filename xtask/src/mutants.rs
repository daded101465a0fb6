//! The proof that the tests find something: a server with any of the deliberate faults must fail.

use std::fs;

use anyhow::{Context as _, Result};

use crate::{
    chaos,
    shell::{cargo, succeed},
};

/// Builds the server with all deliberate faults, of which one is chosen when it starts, and has each found.
///
/// # Errors
/// If it does not build, or a fault is not found.
pub fn run() -> Result<()> {
    succeed(&mut cargo(&["build", "--locked", "--package", "palabre", "--bin", "palabre", "--features", "mutants"]))?;
    // Put where the sound one does not overwrite it.
    let folder = chaos::target().join("mutants");
    fs::create_dir_all(&folder)?;
    let binary = folder.join("palabre");
    fs::copy(chaos::target().join("debug/palabre"), &binary).context("cannot copy the server with faults")?;
    chaos::build()?;
    succeed(chaos::program().arg("mutants").arg("--binary").arg(binary))
}
