//! Everything around the server is broken while people talk: a few minutes in each check, and the long gate.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use crate::{
    release,
    shell::{cargo, command, root, succeed},
};

/// How often the long gate runs each round. Six times come to more than the 500 node kills, 50 database faults, 50
/// Redis faults, 40 partitions and 1,000,000 acknowledged messages that are asked for.
const CYCLES: &str = "6";
/// How many of the faults of the round with thousands of clients a check has, in percent: two kills and a storm.
const CHECKED_OF_MANY: &str = "34";

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Builds the sound server and the program that breaks things.
pub fn build() -> Result<()> {
    succeed(&mut cargo(&["build", "--locked", "--package", "palabre", "--package", "chaos"]))
}

/// The program that breaks things.
pub fn program() -> Command {
    command(target().join("debug/chaos"))
}

/// What each check runs: every round once, which has the faults that the contract asks of each landing, the seeds that
/// once showed something, and the order of flush and answer on both databases. Other work on the machine makes figures
/// worse but no promise: bounds are told. [`build`] comes before.
pub fn check() -> Result<()> {
    for profile in ["one", "three"] {
        succeed(program().args(["flush-order", "--profile", profile]))?;
    }
    succeed(program().arg("failover"))?;
    let seeds = root().join("crates/chaos/seeds.txt");
    succeed(program().args(["run", "--lenient", "--seeds"]).arg(seeds))?;
    succeed(program().args(["run", "many", "--lenient", "--share", CHECKED_OF_MANY]))
}

/// The long gate; its results go to `docs/reliability`. It measures bounds, so what it builds is a release.
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
        // By itself: with thousands of clients, all figures are others.
        succeed(program().args(["run", "many", "--name", "many"]))?;
    }
    gate
}
