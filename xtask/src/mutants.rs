//! Proves that the tests work: a server with any of the deliberate faults must fail.

use anyhow::Result;

use crate::{chaos, shell::succeed};

/// Checks that each deliberate fault is found. A server with debug assertions has them all, and does what it should until
/// one is chosen for it.
///
/// # Errors
/// If a fault is not found.
pub fn run() -> Result<()> {
    succeed(chaos::program().arg("mutants").arg("--binary").arg(chaos::target().join("debug/palabre")))
}
