//! Breaks everything around the real program, and judges whether the promises hold.
//!
//! `chaos run` starts nodes, databases and proxies of its own on the loopback address, lets clients talk, breaks things
//! in an order that depends on a seed, and lets the checker of `testkit` judge the result.

mod bucket;
mod failover;
mod flush;
mod frontend;
mod mutants;
mod nemesis;
mod plan;
mod postgres;
mod proxy;
mod redis;
mod report;
mod round;
mod run;
mod shell;
mod slow;
mod topology;
mod town;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Breaks everything around a Palabre server of its own, and judges whether the promises hold.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Runs rounds in which clients talk while things break.
    Run(run::Options),
    /// Traces with strace that no answer leaves before its flush has returned.
    FlushOrder(flush::Options),
    /// Replaces the database that died by another, which may have less.
    Failover(failover::Options),
    /// Is the S3 store of a round, which starts it itself.
    #[command(hide = true)]
    Store(bucket::store::Options),
    /// Checks that each deliberate fault of a server built with them is found.
    Mutants(mutants::Options),
}

/// Allows this program and those it starts as many open files as the system permits: thousands of clients, and a proxy
/// between each and its node. If that is not enough, the round fails with a clear error.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let _as_before = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    allow_many_files();
    let work = async {
        match &arguments.what {
            What::Run(options) => run::run(options).await,
            What::FlushOrder(options) => flush::run(options).await,
            What::Failover(options) => failover::run(options).await,
            What::Mutants(options) => mutants::run(options).await,
            What::Store(options) => {
                let options = options.clone();
                tokio::task::spawn_blocking(move || bucket::store::serve(&options)).await?
            }
        }
    };
    // All processes that were started end when their owner is dropped, also after Ctrl-C.
    let done = tokio::select! {
        done = work => done,
        _interrupted = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}
