//! Thousands of worlds with faults in them; in none may a promise be broken.
//!
//! `PALABRE_SEEDS=N` runs so many, `PALABRE_SEED=S` shows one line by line:
//! `PALABRE_SEED=7 cargo test -p simulation --test simulation one_seed -- --nocapture`.

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use simulation::{Database, Fault, Figures, Outcome, Plan, run};

/// How many worlds a check runs.
const SEEDS: u64 = 1_000;
/// Worlds that share one database file.
const PER_FILE: u64 = 100;
/// Within so many seeds every deliberate fault must be found.
const ENOUGH: u64 = 400;

static FILES: AtomicU64 = AtomicU64::new(0);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// A fresh database, in memory where the machine has such a place: what is simulated is not the disk.
fn database() -> Database {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let name = format!("palabre-simulation-{}-{}", std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
    Database::open(&folder.join(name)).expect("a database")
}

fn world(database: &mut Database, seed: u64, fault: Option<Fault>, print: bool) -> Outcome {
    run(database, Plan { seed, fault, print }).unwrap_or_else(|error| panic!("seed {seed}: {error:#}"))
}

/// Tells what a seed has found, and how to see it again.
fn tell(seed: u64, outcome: &Outcome) -> bool {
    for violation in outcome.violations.iter().take(5) {
        println!("seed {seed}: {violation}");
    }
    if outcome.violations.is_empty() {
        return true;
    }
    println!("replay it: PALABRE_SEED={seed} cargo test -p simulation --test simulation one_seed -- --nocapture");
    println!("keep it: add {seed} to crates/simulation/seeds.txt");
    false
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Runs worlds on all cores; the seeds that found something, and how much happened.
fn run_all(seeds: &[u64]) -> (Vec<u64>, Figures) {
    let next = AtomicU64::new(0);
    let worker = || {
        let (mut broken, mut figures, mut done) = (Vec::new(), Figures::default(), 0);
        let mut file = database();
        while let Some(seed) = seeds.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap()) {
            if done % PER_FILE == PER_FILE - 1 {
                file = database();
            }
            done += 1;
            let outcome = world(&mut file, *seed, None, false);
            figures += outcome.figures;
            if !tell(*seed, &outcome) {
                broken.push(*seed);
            }
        }
        (broken, figures)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores()).map(|_| scope.spawn(worker)).collect();
        let mut all = (Vec::new(), Figures::default());
        for one in workers {
            let (broken, figures) = one.join().expect("a worker");
            all.0.extend(broken);
            all.1 += figures;
        }
        all
    })
}

#[test]
fn no_world_breaks_a_promise() {
    if number("PALABRE_SEED").is_some() {
        return;
    }
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let first = today * 1_000_000;
    let count = number("PALABRE_SEEDS").unwrap_or(SEEDS);
    println!("seeds {first} to {}", first + count - 1);
    let begun = Instant::now();
    let (broken, figures) = run_all(&(first..first + count).collect::<Vec<_>>());
    println!("{count} worlds in {:.1} s: {figures:?}", begun.elapsed().as_secs_f64());
    assert!(broken.is_empty(), "these seeds broke a promise: {broken:?}");
    assert!(figures.changes > 20 * count && figures.events > 20 * count, "too little happened");
    let rare = [figures.gaps, figures.repeats, figures.unknown, figures.readings, figures.troubles];
    assert!(rare.into_iter().all(|often| often >= count / 2), "too little went wrong");
}

#[test]
fn what_was_found_once_is_not_found_again() {
    let kept = include_str!("../seeds.txt").lines().filter(|line| !line.starts_with('#'));
    let seeds: Vec<u64> = kept.map(|line| line.split_whitespace().next().unwrap().parse().expect("a seed")).collect();
    let (broken, _) = run_all(&seeds);
    assert!(broken.is_empty(), "these seeds broke a promise: {broken:?}");
}

/// Shows the world of `PALABRE_SEED`; without it, there is nothing to show.
#[test]
fn one_seed() {
    let Some(seed) = number("PALABRE_SEED") else { return };
    let outcome = world(&mut database(), seed, None, true);
    println!("seed {seed}: hash {:016x}, {:?}", outcome.hash, outcome.figures);
    assert!(tell(seed, &outcome), "seed {seed} breaks a promise");
}

/// The trace of a seed as another process prints it.
fn printed(seed: u64) -> String {
    let me = std::env::current_exe().expect("this program");
    let arguments = ["--exact", "one_seed", "--nocapture", "--test-threads=1"];
    let output = Command::new(me).args(arguments).env("PALABRE_SEED", seed.to_string()).output().expect("a process");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(" ms  ") || line.contains("hash ")).collect();
    lines.join("\n")
}

#[test]
fn the_same_seed_is_the_same_world() {
    let (mut one, mut other) = (database(), database());
    for seed in 1..=10 {
        // The second file has other worlds in it already: ids differ, the world does not.
        world(&mut other, seed + 1_000, None, false);
        let (first, second) = (world(&mut one, seed, None, false), world(&mut other, seed, None, false));
        assert_eq!((first.hash, first.figures), (second.hash, second.figures), "seed {seed}");
        assert_ne!(first.hash, world(&mut one, seed + 1_000, None, false).hash);
    }
    let (first, second) = (printed(11), printed(11));
    assert!(first.lines().count() > 200, "a trace: {first}");
    assert_eq!(first, second, "two processes");
    assert!(first.contains(&format!("{:016x}", world(&mut one, 11, None, false).hash)), "this process");
}

/// The first seed that finds a fault, and what it finds.
fn found_by(fault: Fault) -> Option<(u64, String)> {
    let mut file = database();
    (1..=ENOUGH).find_map(|seed| {
        let outcome = world(&mut file, seed, Some(fault), false);
        outcome.violations.first().map(|violation| (seed, violation.to_string()))
    })
}

#[test]
fn every_deliberate_fault_is_found() {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut missed = Vec::new();
        while let Some(fault) = Fault::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            match found_by(*fault) {
                Some((seed, what)) => println!("{fault:?} is found by seed {seed}: {what}"),
                None => missed.push(*fault),
            }
        }
        missed
    };
    let missed: Vec<Fault> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores()).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|one| one.join().expect("a worker")).collect()
    });
    assert!(missed.is_empty(), "not found within {ENOUGH} seeds: {missed:?}");
}
