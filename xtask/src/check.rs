//! `cargo xtask check`: runs everything that must pass.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail, ensure};

use crate::{
    chaos, client, generate, hostile, mutants,
    postgres::{self, Postgres},
    processor,
    redis::{Cluster, Redis},
    release::{self, Build},
    s3::{self, S3},
    scratch,
    shell::{build_everything, cargo, command, succeed, tests, waiting_tests, works},
    supply, tidy, tools,
};

/// The stories of the old systems' clients are about translation, which does not depend on the database: they run on
/// SQLite alone.
const OLD_STORIES: &[&str] = &["--skip", "chat_server::", "--skip", "dreametrix::", "--skip", "matcha::"];

/// The stories that run on a PostgreSQL with a single node as well. What a single node does differently from two is how
/// events reach those who listen; the statements are the same, and all stories run them on two nodes.
const ALONE: &[&str] = &["messages::", "members::", "sessions::", "resume::", "threads::", "search::"];

/// All tests but those of the examples in comments.
const ALL_TESTS: &[&str] = &["--lib", "--bins", "--tests", "--"];

/// The server that is killed under load, a minute on each database: on both at once, with the tests on PostgreSQL.
const KILLS_LATER: &[&str] = &["--skip", "nothing_acknowledged_is_lost_when_the_server_is_killed"];

/// The unit tests that use PostgreSQL: those that move, back up and restore tables of their own.
const TRANSFERS: &str = "transfer::tests::";

/// Runs every step, even after one has failed, so that one run shows all failures.
pub fn run(may_install: bool) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    steps.step("tools", || prepare(may_install));
    // Before the server is built, because it contains the client.
    steps.step("clients", check_clients);
    steps.step("format", || succeed(&mut cargo(&["fmt", "--all", "--check"])));
    steps.step("clippy", || {
        succeed(&mut cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    });
    steps.step("what a release leaves out", release::compiles);
    steps.step("tidy", tidy::run);
    steps.step("supply", supply::run);
    steps.step("everything is built", build_everything);
    // Browser tests wait for a server, and stories for timers: each leaves the other enough of the machine.
    let clients = Beside::start(THE_CLIENTS, steps.elsewhere());
    steps.step("tests on SQLite", || succeed(&mut waiting_tests(&[ALL_TESTS, KILLS_LATER].concat())?));
    steps.step("tests on PostgreSQL", tests_on_postgres);
    steps.step("a bucket of files", tests_on_s3);
    steps.join(clients);
    // These stories often wait for the other node, and the rounds of the deliberate faults for restarts.
    let mutants = Beside::start(DELIBERATE_FAULTS, steps.elsewhere());
    steps.step("stories on two nodes", tests_on_two_nodes);
    steps.step("stories on a Redis Cluster", tests_on_a_redis_cluster);
    steps.join(mutants);
    steps.step("generated documents", generate::check);
    // Alone: it measures how fast other clients are answered.
    steps.step(A_STRANGER, || hostile::run(Build::Debug));
    let databases = Beside::start(FAILOVERS, steps.elsewhere());
    steps.step("nothing is lost while things break", chaos::check_rounds);
    steps.join(databases);
    // Alone: with thousands of clients a node that starts again needs the machine.
    steps.step("nothing is lost in a crowd", chaos::check_crowd);
    steps.summary()
}

/// The names of the steps that can run by themselves, as `cargo xtask step` takes them.
const THE_CLIENTS: &str = "the clients' tests";
const DELIBERATE_FAULTS: &str = "deliberate faults are found";
const A_STRANGER: &str = "a stranger fells nothing";
const FAILOVERS: &str = "flushes come before answers, and failovers are noticed";

/// Runs one of the steps that can run by themselves, on what has been built.
///
/// # Errors
/// If there is no such step, or it fails.
pub fn step(name: &str) -> anyhow::Result<()> {
    match name {
        THE_CLIENTS => tests_of_clients(),
        DELIBERATE_FAULTS => mutants::run(),
        A_STRANGER => hostile::run(Build::Debug),
        FAILOVERS => chaos::check_databases(),
        _ => {
            let steps = [THE_CLIENTS, DELIBERATE_FAULTS, A_STRANGER, FAILOVERS];
            bail!("there is no step {name:?}; there are {}", steps.map(|step| format!("{step:?}")).join(", "))
        }
    }
}

/// The part that takes minutes: everything that needs no other database, no further nodes, no browser and no release.
pub fn quick() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    steps.step("format", || succeed(&mut cargo(&["fmt", "--all", "--check"])));
    steps.step("tidy", tidy::run);
    steps.step("clippy", || {
        succeed(&mut cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    });
    // The transcripts of all dialects are among them.
    steps.step("unit tests", || succeed(&mut tests(&["--lib"])?));
    steps.step("stories on SQLite", || succeed(&mut tests(&["--test", "store", "--test", "it"])?));
    steps.summary()
}

/// Builds the clients and checks types and format. Without Node this fails, because the clients would remain unchecked.
fn check_clients() -> anyhow::Result<()> {
    client::require_node()?;
    client::install(&[])?;
    // First, because the others use the SDK's built types.
    client::build()?;
    succeed(&mut client::npm(&["run", "--silent", "check"]))
}

/// Tests the SDK, the web client, and both in a browser, against the server that contains the client.
fn tests_of_clients() -> anyhow::Result<()> {
    build_everything()?;
    for workspace in ["sdk", "web", "e2e"] {
        let mut tests = client::npm(&["test", "-w", workspace]);
        let tests = tests.env("PALABRE_BINARY", chaos::target().join("debug/palabre"));
        succeed(tests.env("TMPDIR", scratch::folder()?))?;
    }
    Ok(())
}

fn tests_on_postgres() -> anyhow::Result<()> {
    let server = Postgres::start()?;
    println!("a private PostgreSQL listens on 127.0.0.1:{}", server.port());
    let on_it = |arguments: &[&str]| succeed(waiting_tests(arguments)?.env("PALABRE_TEST_POSTGRES", server.url()));
    let targets = ["store", "carry", "cli", "kill", "operate"].map(|name| ["--test", name]).concat();
    let whole = on_it(&targets);
    let stories = on_it(&[&["--test", "it", "--"], ALONE, OLD_STORIES].concat());
    let outcome = whole.and(stories).and(on_it(&["--lib", "--", TRANSFERS]));
    if outcome.is_err() {
        println!("the end of PostgreSQL's log:\n{}", server.log_end());
    }
    outcome
}

/// The bucket, and an operator's work with one, against a store that others have made.
fn tests_on_s3() -> anyhow::Result<()> {
    let s3 = S3::start()?;
    let on_it = |arguments: &[&str]| succeed(tests(arguments)?.env("PALABRE_TEST_S3", s3.url()));
    on_it(&["--lib", "--", "s3::tests"])?;
    on_it(&["--test", "operate", "--", "bucket"])
}

/// Runs the stories again with people on two nodes in turn, and files in a bucket that both share.
fn tests_on_two_nodes() -> anyhow::Result<()> {
    let s3 = S3::start()?;
    on_nodes(tests(&[&["--test", "it", "--"], OLD_STORIES].concat())?.env("PALABRE_TEST_S3", s3.url()))
}

/// Runs the stories in which nodes exchange most, with a Redis Cluster between them. Presence is left out: a cluster
/// keeps no order between its channels, so that a client may be told of somebody's presence a moment before its own
/// node would report it.
fn tests_on_a_redis_cluster() -> anyhow::Result<()> {
    let stories = ["nodes::", "crowd::", "messages::", "members::", "sessions::", "typing::", "limits::"];
    on_cluster(&mut tests(&[&["--test", "it", "--"], &stories[..]].concat())?)
}

/// Runs one command with a private PostgreSQL in `PALABRE_TEST_POSTGRES` and a server of a private Redis Cluster in
/// `PALABRE_TEST_REDIS_CLUSTER`.
pub fn with_cluster(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    on_cluster(command(program).args(arguments))
}

fn on_cluster(command: &mut Command) -> anyhow::Result<()> {
    let (postgres, redis) = (Postgres::start()?, Cluster::start()?);
    let command = command.env("PALABRE_TEST_POSTGRES", postgres.url());
    succeed(command.env("PALABRE_TEST_REDIS_CLUSTER", redis.url()))
}

/// Runs one command with a private PostgreSQL in `PALABRE_TEST_POSTGRES` and a private Redis in `PALABRE_TEST_REDIS`.
pub fn with_nodes(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    on_nodes(command(program).args(arguments))
}

fn on_nodes(command: &mut Command) -> anyhow::Result<()> {
    let (postgres, redis) = (Postgres::start()?, Redis::start()?);
    succeed(command.env("PALABRE_TEST_POSTGRES", postgres.url()).env("PALABRE_TEST_REDIS", redis.url()))
}

/// Runs one command with a private PostgreSQL in `PALABRE_TEST_POSTGRES`.
pub fn with_postgres(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let server = Postgres::start()?;
    succeed(command(program).args(arguments).env("PALABRE_TEST_POSTGRES", server.url()))
}

/// Runs one command with a private S3 store in `PALABRE_TEST_S3`.
pub fn with_s3(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let s3 = S3::start()?;
    succeed(command(program).args(arguments).env("PALABRE_TEST_S3", s3.url()))
}

/// Installs or demands the tools that the steps need.
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
    // The test of the quick start runs the page's commands, which use it.
    tools::require("curl", may_install)?;
    tools::require("chromium", may_install)?;
    // The doctor and the operator's guide are tested with the real programs.
    tools::require("redis-server", may_install)?;
    tools::require_from("nginx", "/usr/sbin/nginx", "-v", may_install)?;
    tools::require_from("haproxy", "/usr/sbin/haproxy", "-v", may_install)?;
    tools::require("strace", may_install)?;
    tools::require("faketime", may_install)?;
    s3::require(may_install)?;
    postgres::require(may_install)
}

/// A step that runs as a process of its own, beside others. Its output goes to a file, so that it does not mix with
/// theirs.
struct Beside {
    name: &'static str,
    log: PathBuf,
    /// Waits for its end, so that the time which it took is its own and not that until somebody asks.
    running: JoinHandle<(Took, anyhow::Result<()>)>,
}

impl Beside {
    /// Starts it. The processor time that it uses is added to `elsewhere`.
    fn start(name: &'static str, elsewhere: Arc<AtomicU64>) -> Self {
        println!("\n==== {name}: begins, beside the next ====");
        let log = chaos::target().join("check").join(format!("{}.log", name.replace([' ', '\''], "-")));
        let (into, began) = (log.clone(), Instant::now());
        let running = thread::spawn(move || {
            let mut computed = Duration::ZERO;
            let outcome = Self::run(name, &into, &mut computed, &elsewhere);
            (Took { clock: began.elapsed(), computed }, outcome)
        });
        Self { name, log, running }
    }

    fn run(name: &str, into: &Path, computed: &mut Duration, elsewhere: &AtomicU64) -> anyhow::Result<()> {
        into.parent().map(fs::create_dir_all).transpose()?;
        let log = File::create(into)?;
        let mut step =
            command(env::current_exe()?).args(["step", name]).stdout(log.try_clone()?).stderr(log).spawn()?;
        *computed = processor::of_ended(&step)?;
        elsewhere.fetch_add(u64::try_from(computed.as_millis())?, Relaxed);
        let status = step.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }

    /// Waits for it and prints its output, which it also returns.
    fn end(self) -> (&'static str, Took, anyhow::Result<()>, String) {
        let ended = self.running.join();
        let (took, outcome) =
            ended.unwrap_or_else(|_| (Took::default(), Err(anyhow!("what waited for it has panicked"))));
        // A step that could not be started has no output.
        let output = String::from_utf8_lossy(&fs::read(self.log).unwrap_or_default()).into_owned();
        print!("{output}");
        (self.name, took, outcome, output)
    }
}

/// The lines of a step's output that name what failed, the first of them.
fn failures(output: &str) -> impl Iterator<Item = &str> {
    let tell = ["FAIL", "Error:", "panicked at", "not found in"];
    output.lines().filter(move |line| tell.iter().any(|word| line.contains(word))).take(12)
}

/// What a step cost: a step that waits takes long by the clock and little of the processors.
#[derive(Clone, Copy, Default)]
struct Took {
    clock: Duration,
    /// The processor time of this program and of all programs that the step has started and seen end.
    computed: Duration,
}

/// The steps so far: their names, what they cost, and whether they passed.
struct Steps {
    began: Instant,
    done: Vec<(&'static str, Took, bool)>,
    /// What failed in those that ran beside others, whose output is far above the summary.
    failures: Vec<String>,
    /// The processor time, in milliseconds, of the steps that ran beside others and have ended.
    elsewhere: Arc<AtomicU64>,
}

impl Steps {
    fn new() -> Self {
        Self { began: Instant::now(), done: Vec::new(), failures: Vec::new(), elsewhere: Arc::default() }
    }

    fn elsewhere(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.elsewhere)
    }

    /// The processor time so far, without that of steps that ran beside others.
    fn computed(&self) -> Duration {
        processor::of_this_process().saturating_sub(Duration::from_millis(self.elsewhere.load(Relaxed)))
    }

    fn step(&mut self, name: &'static str, work: impl FnOnce() -> anyhow::Result<()>) {
        println!("\n==== {name} ====");
        let (start, before) = (Instant::now(), self.computed());
        let outcome = work();
        let took = Took { clock: start.elapsed(), computed: self.computed().saturating_sub(before) };
        self.note(name, took, &outcome);
    }

    /// Waits for a step that runs beside others.
    fn join(&mut self, beside: Beside) {
        println!("\n==== {} ====", beside.name);
        let (name, took, outcome, output) = beside.end();
        self.note(name, took, &outcome);
        if outcome.is_err() {
            self.failures.extend(failures(&output).map(|line| format!("{name}: {line}")));
        }
    }

    fn note(&mut self, name: &'static str, took: Took, outcome: &anyhow::Result<()>) {
        if let Err(error) = outcome {
            eprintln!("FAILED: {name}: {error:#}");
        }
        self.done.push((name, took, outcome.is_ok()));
    }

    fn summary(&self) -> anyhow::Result<()> {
        println!("\n==== summary: {:.0} s since the first step began ====", self.began.elapsed().as_secs_f64());
        println!("          clock   processors");
        for (name, Took { clock, computed }, good) in &self.done {
            let verdict = if *good { "ok" } else { "FAILED" };
            println!("{verdict:<7} {:>6.1} s {:>10.1} s  {name}", clock.as_secs_f64(), computed.as_secs_f64());
        }
        for line in &self.failures {
            println!("{line}");
        }
        let failed: Vec<&str> = self.done.iter().filter(|(_, _, good)| !good).map(|(name, _, _)| *name).collect();
        if failed.is_empty() {
            println!("everything holds");
            return Ok(());
        }
        bail!("what does not hold: {}", failed.join(", "))
    }
}
