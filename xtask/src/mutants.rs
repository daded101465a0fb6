//! The proof that the kill test finds something: servers with a deliberate fault must fail it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// A cargo feature with a fault, and the rules of which it must break at least one.
const MUTANTS: [(&str, &str); 2] = [("mutant-ack-before-commit", "I1,I5,I11"), ("mutant-forget-client-ids", "I2")];

/// Builds each faulty server and runs the kill test against it.
///
/// # Errors
/// If one does not build, or its fault is not found.
pub fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    for (feature, rules) in MUTANTS {
        let binary = build(root, &target, feature)?;
        let mut test = cargo(root, &target);
        test.args(["test", "-p", "palabre", "--test", "kill", "--", "--nocapture"]);
        test.env("PALABRE_TEST_BINARY", &binary).env("PALABRE_TEST_EXPECT", rules);
        if !test.status()?.success() {
            bail!("the kill test does not find {feature}");
        }
    }
    Ok(())
}

/// Builds the server with the fault, and puts it where the sound one does not overwrite it.
fn build(root: &Path, target: &Path, feature: &str) -> Result<PathBuf> {
    let status =
        cargo(root, target).args(["build", "-p", "palabre", "--bin", "palabre", "--features", feature]).status()?;
    if !status.success() {
        bail!("the server does not build with {feature}");
    }
    let folder = target.join("mutants");
    fs::create_dir_all(&folder)?;
    let binary = folder.join(feature);
    fs::copy(target.join("debug/palabre"), &binary)
        .with_context(|| format!("cannot copy the server with {feature}"))?;
    Ok(binary)
}

fn cargo(root: &Path, target: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).arg("--quiet").env("CARGO_TARGET_DIR", target);
    command
}
