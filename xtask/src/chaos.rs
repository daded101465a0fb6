//! Breaks everything around the server while clients talk: for some minutes in each check, and in the long gate.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use crate::{
    hostile, release,
    shell::{command, root, succeed},
};

/// How often the long gate runs each round. Six times exceed the required 500 node kills, 50 database faults, 50 Redis
/// faults, 40 partitions and 1,000,000 acknowledged messages.
const CYCLES: &str = "6";
/// How many rounds of a check run at the same time: each spends most of its time in pauses, restarts and time-outs.
const AT_ONCE: &str = "3";
/// The percentage of faults that a check uses in the round with thousands of clients: two kills and a storm.
const CHECKED_OF_MANY: &str = "34";

/// Cargo's target folder.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The program `chaos`.
pub fn program() -> Command {
    command(target().join("debug/chaos"))
}

/// The part of a check that breaks databases: the order of flush and answer on both of them, and one that is replaced
/// by another. Everything must be built, as for the other parts.
pub fn check_databases() -> Result<()> {
    for profile in ["one", "three"] {
        succeed(program().args(["flush-order", "--profile", profile]))?;
    }
    succeed(program().arg("failover"))
}

/// The part of a check that runs every round once, with the faults that the contract demands of each change: the seeds
/// that once found something. Other work on the machine makes measurements worse but breaks no promise, so bounds are
/// only reported.
pub fn check_rounds() -> Result<()> {
    let seeds = root().join("crates/chaos/seeds.txt");
    succeed(program().args(["run", "--lenient", "--at-once", AT_ONCE, "--seeds"]).arg(seeds))
}

/// The round with thousands of clients.
pub fn check_crowd() -> Result<()> {
    succeed(program().args(["run", "many", "--lenient", "--share", CHECKED_OF_MANY]))
}

/// Runs the long gate; its results go to `docs/reliability`. It measures bounds, so it builds a release, which a stranger
/// attacks as well.
pub fn gate(flags: &[&str]) -> Result<()> {
    let (shard, name) = match flags {
        [] => ("1/1", "gate".to_owned()),
        ["--shard", shard] => (*shard, format!("gate-{}", shard.replace('/', "-of-"))),
        _ => anyhow::bail!("cargo xtask chaos knows --shard I/N and nothing else"),
    };
    ensure!(!name.contains("--"), "{shard} is not I/N");
    release::build(&["chaos"])?;
    let program = || command(target().join("release/chaos"));
    let run = ["run", "--cycles", CYCLES, "--shard", shard, "--name", &name];
    let gate = succeed(program().args(run)).and_then(|()| succeed(program().arg("failover")));
    if shard.starts_with("1/") {
        // Run separately: with thousands of clients all measurements differ.
        succeed(program().args(["run", "many", "--name", "many"]))?;
        succeed(program().args(["run", "bucket", "--cycles", CYCLES, "--name", "bucket"]))?;
        hostile::attack_release()?;
    }
    gate
}
