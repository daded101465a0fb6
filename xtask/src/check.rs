//! `cargo xtask check`: everything that must hold.

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail, ensure};

use crate::{
    chaos, client, generate, hostile, mutants,
    postgres::{self, Postgres},
    redis::{Cluster, Redis},
    release,
    shell::{cargo, command, root, succeed, works},
    supply, tidy, tools,
};

/// The stories of the old systems' clients are about translation, which no database changes: they run on SQLite alone.
const OLD_STORIES: &[&str] = &["--skip", "chat_server::", "--skip", "dreametrix::", "--skip", "matcha::"];

/// Runs every step, also after one has failed, so that one run tells all.
pub fn run(may_install: bool) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    steps.step("tools", || prepare(may_install));
    // Before the server is built, which has the client inside.
    steps.step("clients", check_clients);
    steps.step("format", || succeed(&mut cargo(&["fmt", "--all", "--check"])));
    steps.step("clippy", || {
        succeed(&mut cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    });
    steps.step("tidy", tidy::run);
    steps.step("supply", supply::run);
    // The tests wait much, for each other's clocks: meanwhile the release that a stranger will attack is built, out of
    // their way. If it does not build, that step says why.
    let release = thread::spawn(release::build_beside);
    steps.step("tests on SQLite", || succeed(&mut cargo(&["test", "--locked", "--workspace", "--no-fail-fast"])));
    // A browser waits for a server, and a story for its clocks: neither takes much of what the other needs.
    let clients = Beside::start(THE_CLIENTS);
    steps.step("tests on PostgreSQL", tests_on_postgres);
    steps.step("stories on two nodes", tests_on_two_nodes);
    steps.step("stories on a Redis Cluster", tests_on_a_redis_cluster);
    steps.join(clients);
    steps.step("generated documents", generate::check);
    steps.step("the release is built", || release.join().map_err(|_| anyhow!("the build has panicked"))?);
    // By itself: it measures whether others feel the stranger.
    steps.step("a stranger fells nothing", hostile::run);
    // What the next two run is built before, for a build takes the place of what the other one is running.
    steps.step("what breaks things is built", mutants::build);
    let mutants = Beside::start(DELIBERATE_FAULTS);
    steps.step("nothing is lost while things break", chaos::check);
    steps.join(mutants);
    steps.summary()
}

/// The steps that may run beside others, by the names that `cargo xtask step` knows.
const THE_CLIENTS: &str = "the clients' tests";
const DELIBERATE_FAULTS: &str = "deliberate faults are found";

/// Runs one of the steps that a check runs beside others.
///
/// # Errors
/// There is no such step, or it does not hold.
pub fn step(name: &str) -> anyhow::Result<()> {
    match name {
        THE_CLIENTS => tests_of_clients(),
        DELIBERATE_FAULTS => mutants::run(),
        _ => bail!("there is no step {name:?}; there are {THE_CLIENTS:?} and {DELIBERATE_FAULTS:?}"),
    }
}

/// What can be known within minutes: everything but what needs another database, several nodes, a browser or a release.
pub fn quick() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    steps.step("format", || succeed(&mut cargo(&["fmt", "--all", "--check"])));
    steps.step("tidy", tidy::run);
    steps.step("clippy", || {
        succeed(&mut cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    });
    // With the transcripts of all dialects.
    steps.step("unit tests", || succeed(&mut cargo(&["test", "--locked", "--workspace", "--lib", "--no-fail-fast"])));
    steps.step("stories on SQLite", || {
        let stories =
            ["test", "--locked", "--no-fail-fast", "--package", "store", "--package", "palabre", "--test", "it"];
        succeed(&mut cargo(&stories))
    });
    steps.summary()
}

/// The build, types and format. Without Node this fails: a client that was not checked may not hold.
fn check_clients() -> anyhow::Result<()> {
    client::require_node()?;
    client::install(&[])?;
    // First: the others see the SDK's types as they were built.
    client::build()?;
    succeed(&mut client::npm(&["run", "--silent", "check"]))
}

/// The SDK, the client and both in a browser, against the server that has the client inside.
fn tests_of_clients() -> anyhow::Result<()> {
    succeed(&mut cargo(&["build", "--locked", "--package", "palabre"]))?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    for workspace in ["sdk", "web", "e2e"] {
        let mut tests = client::npm(&["test", "-w", workspace]);
        succeed(tests.env("PALABRE_BINARY", target.join("debug/palabre")))?;
    }
    Ok(())
}

fn tests_on_postgres() -> anyhow::Result<()> {
    let server = Postgres::start()?;
    println!("a private PostgreSQL listens on 127.0.0.1:{}", server.port());
    let mut tests = cargo(&["test", "--locked", "--no-fail-fast", "--package", "store", "--package", "palabre", "--"]);
    let outcome = succeed(tests.args(OLD_STORIES).env("PALABRE_TEST_POSTGRES", server.url()));
    if outcome.is_err() {
        println!("the end of PostgreSQL's log:\n{}", server.log_end());
    }
    outcome
}

/// The stories once more, where each second person is on another node.
fn tests_on_two_nodes() -> anyhow::Result<()> {
    let tests = ["test", "--locked", "--no-fail-fast", "--package", "palabre", "--test", "it", "--"];
    with_nodes("cargo", &[&tests[..], OLD_STORIES].concat())
}

/// The same where the nodes' Redis is a cluster, for the stories in which they tell each other most. Not presence: a
/// cluster keeps no order between its channels, so that somebody may be told that a friend is here a moment before
/// their node would say so when asked.
fn tests_on_a_redis_cluster() -> anyhow::Result<()> {
    let stories = ["nodes::", "crowd::", "messages::", "members::", "sessions::", "typing::", "limits::"];
    let tests = ["test", "--locked", "--no-fail-fast", "--package", "palabre", "--test", "it", "--"];
    with_cluster("cargo", &[&tests[..], &stories].concat())
}

/// Runs one command with a private PostgreSQL in `PALABRE_TEST_POSTGRES` and one of the servers of a private Redis
/// Cluster in `PALABRE_TEST_REDIS_CLUSTER`.
pub fn with_cluster(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let (postgres, redis) = (Postgres::start()?, Cluster::start()?);
    let mut command = command(program);
    command.args(arguments).env("PALABRE_TEST_POSTGRES", postgres.url()).env("PALABRE_TEST_REDIS_CLUSTER", redis.url());
    succeed(&mut command)
}

/// Runs one command with a private PostgreSQL in `PALABRE_TEST_POSTGRES` and a private Redis in `PALABRE_TEST_REDIS`.
pub fn with_nodes(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let (postgres, redis) = (Postgres::start()?, Redis::start()?);
    let mut command = command(program);
    command.args(arguments).env("PALABRE_TEST_POSTGRES", postgres.url()).env("PALABRE_TEST_REDIS", redis.url());
    succeed(&mut command)
}

/// Runs one command with a private PostgreSQL in `PALABRE_TEST_POSTGRES`.
pub fn with_postgres(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let server = Postgres::start()?;
    succeed(command(program).args(arguments).env("PALABRE_TEST_POSTGRES", server.url()))
}

/// What the steps need and a machine may lack.
fn prepare(may_install: bool) -> anyhow::Result<()> {
    let missing: Vec<&str> = ["rustfmt", "clippy"]
        .into_iter()
        .filter(|name| !works(&mut cargo(&[if *name == "rustfmt" { "fmt" } else { name }, "--version"])))
        .collect();
    if !missing.is_empty() {
        let advice = format!("install it with: rustup component add {}", missing.join(" "));
        if !may_install || !works(command("rustup").arg("--version")) {
            bail!("{} is missing; {advice}", missing.join(" and "));
        }
        succeed(command("rustup").args(["component", "add"]).args(&missing)).context(advice)?;
    }
    // The quick start's test runs the page's commands, and they use it.
    tools::require("curl", may_install)?;
    tools::require("chromium", may_install)?;
    // The doctor is tried, and the operator's guide followed, with real ones.
    tools::require("redis-server", may_install)?;
    tools::require_from("nginx", "/usr/sbin/nginx", "-v", may_install)?;
    tools::require_from("haproxy", "/usr/sbin/haproxy", "-v", may_install)?;
    tools::require("strace", may_install)?;
    tools::require("faketime", may_install)?;
    postgres::require(may_install)
}

/// A step that runs as a program of its own, beside others. What it says goes to a file, so that it does not stand
/// between their lines.
struct Beside {
    name: &'static str,
    began: Instant,
    started: anyhow::Result<(Child, PathBuf)>,
}

impl Beside {
    fn start(name: &'static str) -> Self {
        println!("\n==== {name}: begins, beside the next ====");
        Self { name, began: Instant::now(), started: Self::spawn(name) }
    }

    fn spawn(name: &str) -> anyhow::Result<(Child, PathBuf)> {
        let folder = chaos::target().join("check");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.log", name.replace([' ', '\''], "-")));
        let log = File::create(&path)?;
        let mut step = command(env::current_exe()?);
        step.args(["step", name]).stdout(log.try_clone()?).stderr(log);
        Ok((step.spawn()?, path))
    }

    /// Waits for it and says what it said.
    fn end(self) -> (&'static str, Duration, anyhow::Result<()>) {
        let outcome = self.started.and_then(|(mut child, log)| {
            let status = child.wait()?;
            print!("{}", String::from_utf8_lossy(&fs::read(log)?));
            ensure!(status.success(), "it ended with {status}");
            Ok(())
        });
        (self.name, self.began.elapsed(), outcome)
    }
}

/// What was done, how long it took, how it ended.
struct Steps {
    began: Instant,
    done: Vec<(&'static str, Duration, bool)>,
}

impl Steps {
    fn new() -> Self {
        Self { began: Instant::now(), done: Vec::new() }
    }

    fn step(&mut self, name: &'static str, work: impl FnOnce() -> anyhow::Result<()>) {
        println!("\n==== {name} ====");
        let start = Instant::now();
        let outcome = work();
        self.note(name, start.elapsed(), &outcome);
    }

    /// Waits for a step that runs beside others.
    fn join(&mut self, beside: Beside) {
        println!("\n==== {} ====", beside.name);
        let (name, took, outcome) = beside.end();
        self.note(name, took, &outcome);
    }

    fn note(&mut self, name: &'static str, took: Duration, outcome: &anyhow::Result<()>) {
        if let Err(error) = outcome {
            eprintln!("FAILED: {name}: {error:#}");
        }
        self.done.push((name, took, outcome.is_ok()));
    }

    fn summary(&self) -> anyhow::Result<()> {
        println!("\n==== summary: {:.0} s since the first step began ====", self.began.elapsed().as_secs_f64());
        for (name, time, good) in &self.done {
            println!("{:<7} {:>6.1} s  {name}", if *good { "ok" } else { "FAILED" }, time.as_secs_f64());
        }
        let failed: Vec<&str> = self.done.iter().filter(|(_, _, good)| !good).map(|(name, _, _)| *name).collect();
        if failed.is_empty() {
            println!("everything holds");
            return Ok(());
        }
        bail!("what does not hold: {}", failed.join(", "))
    }
}
