//! `cargo xtask hostile`: a hostile client against the program, in every way that waits, piles up or breaks the
//! protocol. It fails when memory, file descriptors or the response time of others exceed their bounds.

mod crowd;
mod letter;
mod office;
mod others;
mod passwords;
mod server;
mod ways;

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;

use self::{others::Others, server::Server};
use crate::{
    release::Build,
    shell::{cargo, succeed},
};

/// Connections of the hostile client.
const CONNECTIONS: usize = 3_000;
/// The limit of the server's open files.
const DESCRIPTORS: u64 = 2_000;
/// The most memory that it may ever use, in MiB.
const MEMORY: u64 = 150;
/// How long other clients may wait for an answer of the release, and of the debug build, which computes several times as
/// long.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_WITH_DEBUG: Duration = Duration::from_secs(5);
/// How long the hostile client uses each way.
const EACH: Duration = Duration::from_secs(4);
/// How long everything may take.
const ALL: Duration = Duration::from_secs(180);
/// The way in which the hostile client dawdles while a whole office reconnects.
const OFFICE_BESIDE: &str = "a handshake and nothing";
/// By how many descriptors the server may exceed its idle state, a while after the hostile client has gone.
const LEFT_OVER: u64 = 64;

/// Builds the release and attacks it.
pub fn attack_release() -> anyhow::Result<()> {
    succeed(&mut cargo(&["build", "--release", "--locked", "--package", "palabre"]))?;
    run(Build::Release)
}

/// Attacks a program that was built before.
pub fn run(build: Build) -> anyhow::Result<()> {
    let began = Instant::now();
    server::raise_own_limit()?;
    let patience = match build {
        Build::Release => PATIENCE,
        Build::Debug => PATIENCE_WITH_DEBUG,
    };
    let mut verdict = Verdict { wrong: Vec::new(), patience };
    let server = Server::start(build, DESCRIPTORS)?;
    let others = Others::come(server.address())?;
    others.watch_for(EACH / 2, "calm", &mut verdict)?;
    let calm = server.descriptors()?;
    println!("in the calm: {calm} descriptors, {} MiB", server.memory()?);
    office::comes_back(&others, "calm", &mut verdict);
    for way in ways::all() {
        let crowd = crowd::Crowd::come(server.address(), &way, CONNECTIONS);
        others.watch_for(EACH, way.name, &mut verdict)?;
        if way.name == OFFICE_BESIDE {
            office::comes_back(&others, way.name, &mut verdict);
        }
        verdict.hold(&server, way.name)?;
        drop(crowd);
    }
    verdict.judge(server.returns_to(calm + LEFT_OVER)?, "descriptors are free again when the stranger has gone");
    letter::check(server.address(), &mut verdict);
    passwords::guess(&server, &others, &mut verdict)?;
    verdict.hold(&server, "wrong passwords")?;
    verdict.judge(began.elapsed() < ALL, "all of it within three minutes");
    println!("in {:.0} s", began.elapsed().as_secs_f64());
    verdict.end()
}

/// The failed checks.
struct Verdict {
    wrong: Vec<String>,
    /// How long others may wait.
    patience: Duration,
}

impl Verdict {
    fn judge(&mut self, holds: bool, what: impl Into<String>) {
        let what = what.into();
        if !holds {
            println!("FAILED: {what}");
            self.wrong.push(what);
        }
    }

    /// Checks that somebody was answered soon enough.
    fn in_time(&mut self, what: &str, took: Duration) {
        let patience = self.patience;
        self.judge(took < patience, format!("{what} is answered within {patience:?}: {took:.1?}"));
    }

    /// Checks that the server is within its bounds.
    fn hold(&mut self, server: &Server, during: &str) -> anyhow::Result<()> {
        let (memory, descriptors) = (server.most_memory()?, server.descriptors()?);
        println!("{during}: {descriptors} descriptors, at most {memory} MiB");
        self.judge(memory < MEMORY, format!("{during}: memory stays below {MEMORY} MiB, it was {memory}"));
        self.judge(descriptors < DESCRIPTORS, format!("{during}: some of {DESCRIPTORS} descriptors are left"));
        Ok(())
    }

    fn end(self) -> anyhow::Result<()> {
        ensure!(self.wrong.is_empty(), "{} things did not hold: {}", self.wrong.len(), self.wrong.join("; "));
        println!("nothing that the stranger did was felt by others");
        Ok(())
    }
}

/// Repeats a check until it is true, or `within` has passed.
fn becomes(mut so: impl FnMut() -> anyhow::Result<bool>, within: Duration) -> anyhow::Result<bool> {
    let began = Instant::now();
    while began.elapsed() < within {
        if so()? {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(100));
    }
    so()
}
