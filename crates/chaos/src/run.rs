//! `chaos run`: runs the rounds, one after the other or several at the same time.

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::task::JoinSet;

use crate::{
    plan,
    report::{self, Report},
    round::{Outcome, Round},
};

/// The options of `chaos run`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The rounds to run, by name; all, if none is named: kill-one, kill-three, one, stores, ways, crowd.
    pub rounds: Vec<String>,
    /// The seed of all randomness, except timing. Random if it is not given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// The server's program; `palabre` beside this one, if it is not given.
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// How many faults each round has, in percent of the usual number.
    #[arg(long, default_value_t = 100)]
    pub share: usize,
    /// How often all rounds are run, each time with another seed.
    #[arg(long, default_value_t = 1)]
    pub cycles: u64,
    /// How often the round `loud` is run in addition.
    #[arg(long, default_value_t = 0)]
    pub loud_cycles: u64,
    /// How many rounds run at the same time. Each waits for pauses, restarts and time-outs most of the time; but others
    /// that run beside it make its measurements worse.
    #[arg(long, default_value_t = 1)]
    pub at_once: usize,
    /// Begins no further round after so many minutes.
    #[arg(long)]
    pub minutes: Option<u64>,
    /// Runs only this part of the cycles, as in 1/3.
    #[arg(long, default_value = "1/1", value_parser = parse_shard)]
    pub shard: (u64, u64),
    /// Rounds to be run first, because they once found something: a file with a round's name and its seed on each line.
    #[arg(long)]
    pub seeds: Option<PathBuf>,
    /// Writes the result under this name.
    #[arg(long)]
    pub name: Option<String>,
    /// The folder for the result.
    #[arg(long, default_value = "docs/reliability")]
    pub out: PathBuf,
    /// Reports bounds that were not kept without failing, for machines that have other work.
    #[arg(long)]
    pub lenient: bool,
    /// A deliberate fault of the server, if it was built with debug assertions.
    #[arg(long)]
    pub mutant: Option<String>,
}

/// Runs the rounds and prints the result of each when it ends.
///
/// # Errors
/// If a promise was broken, or something could not be run.
pub async fn run(options: &Options) -> Result<()> {
    let binary = binary(options.binary.clone())?;
    let seed = options.seed.unwrap_or_else(new_seed);
    let names = names(&options.rounds)?;
    let (begin, mut all, mut rounds) = (Instant::now(), Outcome::default(), Vec::new());
    // Read first: the program that is run was built from this commit.
    let commit = report::commit();
    println!("seed {seed}");
    let mut waiting = wanted(options, &names, seed)?.into_iter().peekable();
    let time_is_over = || options.minutes.is_some_and(|minutes| begin.elapsed() > Duration::from_secs(60 * minutes));
    let mut running = JoinSet::new();
    loop {
        while running.len() < options.at_once.max(1)
            && !time_is_over()
            && let Some((name, seed)) = waiting.next()
        {
            let round = plan::round(&name, options.share, seed).context("there is no such round")?;
            running.spawn(run_one(round, seed, binary.clone(), options.mutant.clone()));
        }
        let Some(ended) = running.join_next().await else { break };
        let Ended { name, seed: its_seed, took, outcome } = ended??;
        rounds.push((name.to_owned(), its_seed, took.as_secs_f64(), outcome.violations.len()));
        all.add(outcome);
        if let Some(name) = &options.name {
            let (rounds, took) = (rounds.clone(), begin.elapsed());
            let report = Report { name, seed, rounds, outcome: &all, took, commit: commit.clone() };
            report.write(&options.out)?;
        }
    }
    if waiting.peek().is_some() {
        println!("the time is over; what is left is not run");
    }
    println!("all together: {} acknowledged sends; {:?}", all.acknowledged(), all.faults);
    tell_bounds(&all);
    let broken: Vec<&str> = all.bounds().iter().filter(|bound| !bound.is_kept()).map(|bound| bound.name).collect();
    ensure!(all.violations.is_empty(), "{} broken promises", all.violations.len());
    ensure!(broken.is_empty() || options.lenient, "bounds that were not kept: {}", broken.join("; "));
    Ok(())
}

/// A round that was run.
struct Ended {
    name: &'static str,
    seed: u64,
    took: Duration,
    outcome: Outcome,
}

/// Runs one round in a folder of its own and prints its result.
async fn run_one(round: Round, seed: u64, binary: PathBuf, mutant: Option<String>) -> Result<Ended> {
    let (name, start) = (round.name, Instant::now());
    let folder = folder(name, seed);
    let outcome = round
        .run(seed, binary, folder.clone(), mutant)
        .await
        .with_context(|| format!("round {name}, seed {seed}, folder {}", folder.display()))?;
    let took = start.elapsed();
    tell(name, seed, &outcome, took);
    if !outcome.violations.is_empty() {
        println!("histories and logs are in {}; again with: chaos run {name} --seed {seed}", folder.display());
    }
    Ok(Ended { name, seed, took, outcome })
}

/// Everything that is to be run, each round with each seed once: two at the same time would share a folder.
fn wanted(options: &Options, names: &[String], seed: u64) -> Result<Vec<(String, u64)>> {
    let mut all = replayed(options)?;
    for round in planned(options, names, seed) {
        if !all.contains(&round) {
            all.push(round);
        }
    }
    Ok(all)
}

/// The rounds that were asked for, each cycle with another seed.
fn planned(options: &Options, names: &[String], seed: u64) -> Vec<(String, u64)> {
    let (shard, shards) = options.shard;
    // The seeds of neighbouring cycles are unrelated, and the first is the given one.
    let seeds = |cycles: u64| {
        let mine = (0..cycles).filter(move |cycle| cycle % shards == shard - 1);
        mine.map(move |cycle| seed.wrapping_add(cycle.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    };
    let rounds = seeds(options.cycles).flat_map(|seed| names.iter().map(move |name| (name.clone(), seed)));
    rounds.chain(seeds(options.loud_cycles).map(|seed| ("loud".to_owned(), seed))).collect()
}

/// The rounds of the file in `--seeds`: each line is a round's name and its seed.
fn replayed(options: &Options) -> Result<Vec<(String, u64)>> {
    let Some(file) = &options.seeds else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (name, seed) = line.split_once(' ').with_context(|| format!("{line}: not ROUND SEED"))?;
            Ok((name.to_owned(), seed.trim().parse().with_context(|| format!("{line}: the seed is no number"))?))
        })
        .collect()
}

/// Parses a part like `2/3`.
fn parse_shard(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once('/').and_then(|(shard, of)| Some((shard.parse().ok()?, of.parse().ok()?)));
    numbers
        .filter(|(shard, of)| (1..=*of).contains(shard))
        .ok_or_else(|| format!("{text} is not I/N with I from 1 to N, such as 1/3"))
}

/// Checks the names of rounds; returns all if none is given.
fn names(given: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = given.iter().find(|name| !plan::NAMES.iter().chain(&plan::MORE).any(|known| known == name)) {
        bail!("there is no round {unknown}; there are {}", plan::NAMES.join(", "));
    }
    let all = || plan::NAMES.iter().map(|name| (*name).to_owned()).collect();
    Ok(if given.is_empty() { all() } else { given.to_vec() })
}

/// The server's program: the given one, or the one beside this program.
///
/// # Errors
/// If it does not exist.
pub fn binary(given: Option<PathBuf>) -> Result<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.with_file_name("palabre"));
    let binary = given.or_else(beside).context("where this program is cannot be told; give --binary")?;
    binary.canonicalize().with_context(|| format!("there is no {}; give --binary", binary.display()))
}

fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed.
    (u64::from(now.subsec_nanos()) ^ now.as_secs()) & 0xffff_ffff
}

/// A folder that no other run uses.
#[must_use]
pub fn folder(name: &str, seed: u64) -> PathBuf {
    std::env::temp_dir().join(format!("palabre-chaos-{}-{name}-{seed}", std::process::id()))
}

fn tell(name: &str, seed: u64, outcome: &Outcome, took: Duration) {
    println!("{name}, seed {seed}, {:.1} s: {} broken promises", took.as_secs_f64(), outcome.violations.len());
    println!("  faults: {:?}", outcome.faults);
    println!("  seen: {:?}", outcome.seen);
    println!("  checks: {:?}", outcome.checks);
    outcome.violations.iter().take(10).for_each(|violation| println!("  {violation}"));
    tell_bounds(outcome);
}

fn tell_bounds(outcome: &Outcome) {
    for bound in outcome.bounds().iter().filter(|bound| bound.of > 0) {
        let kept = if bound.is_kept() { "" } else { " BROKEN" };
        println!("  {:>10.1} {} of {:>9}  {}{kept}", bound.measured, bound.unit, bound.of, bound.name);
    }
}
