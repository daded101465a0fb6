//! Proves that the checker works: each deliberate fault of the server must be found.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use testkit::checker::Rule;

use crate::{failover, flush, plan, run, topology::Profile};

/// The options of `chaos mutants`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// A server built with debug assertions.
    #[arg(long)]
    pub binary: PathBuf,
    /// Only these faults; all, if none is named.
    pub names: Vec<String>,
}

/// The kind of run that shows a fault soonest.
enum Shown {
    /// A failover.
    Failover,
    /// A trace of the order of flush and answer.
    Flush,
    /// A round with this percentage of its usual faults, by one of these rules.
    Round(&'static str, usize, &'static [Rule]),
}

/// So many faults are looked for at the same time: their rounds wait for one thing or another most of the time.
const AT_ONCE: usize = 2;
/// A fault may show only when a kill comes in the right millisecond, which can take a few rounds.
const TRIES: u64 = 4;

use Rule::{F1, F2, F3, I2, I3, I6, I7, I10, I11, I15, L1, P4};

const MUTANTS: [(&str, Shown); 18] = [
    ("ack-before-commit", Shown::Flush),
    ("skip-fsync", Shown::Flush),
    ("clock-order", Shown::Round("quick", 100, &[I3, I6])),
    ("refuse-after-commit", Shown::Round("quick", 100, &[I15])),
    ("permission-at-connect", Shown::Round("quick", 100, &[I10])),
    ("forget-client-ids", Shown::Round("kill-one", 15, &[I2])),
    ("cached-dedupe", Shown::Round("kill-one", 15, &[I2])),
    ("fan-out-before-commit", Shown::Round("kill-one", 15, &[I11])),
    ("resume-from-memory", Shown::Round("kill-one", 15, &[I7])),
    ("cached-counter", Shown::Round("full", 100, &[I3, I6])),
    ("drop-when-full", Shown::Round("dawdlers", 100, &[I6, I7])),
    ("no-reread", Shown::Round("deaf", 100, &[I6, I7])),
    ("keep-history", Shown::Failover),
    ("claim-for-good", Shown::Round("kill-one", 15, &[P4])),
    ("row-before-bytes", Shown::Round("kill-one", 15, &[F1])),
    ("ack-before-bytes", Shown::Round("quick", 100, &[F1, F2])),
    ("files-for-anybody", Shown::Round("quick", 100, &[F3])),
    ("previews-come-back", Shown::Round("quick", 100, &[L1])),
];

/// Runs a server with each fault until one of its rules is broken.
///
/// # Errors
/// If a fault is not found.
pub async fn run(options: &Options) -> Result<()> {
    let binary = options.binary.canonicalize().with_context(|| format!("there is no {}", options.binary.display()))?;
    let known: Vec<&str> = MUTANTS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = options.names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no mutant {unknown}; there are {}", known.join(", "));
    }
    let wanted =
        MUTANTS.iter().filter(|(name, _)| options.names.is_empty() || options.names.iter().any(|one| one == name));
    let tries: Vec<_> = stream::iter(wanted.map(|(name, shown)| look_for(&binary, name, shown)))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let missed: Vec<&str> = tries.into_iter().flatten().collect();
    ensure!(missed.is_empty(), "these faults were not found: {}", missed.join(", "));
    Ok(())
}

/// The fault's name, if it is not found.
async fn look_for(binary: &Path, name: &'static str, shown: &Shown) -> Result<Option<&'static str>> {
    let begin = Instant::now();
    let found = match shown {
        Shown::Flush => by_flush(binary, name).await?,
        Shown::Failover => by_failover(binary, name).await?,
        Shown::Round(round, share, rules) => by_round(binary, name, round, *share, rules).await?,
    };
    println!("{name}, {:.1} s: {}", begin.elapsed().as_secs_f64(), found.as_deref().unwrap_or("NOT FOUND"));
    Ok(found.is_none().then_some(name))
}

async fn by_flush(binary: &Path, name: &str) -> Result<Option<String>> {
    let options = flush::Options {
        messages: 50,
        profile: Profile::One,
        binary: Some(binary.to_owned()),
        mutant: Some(name.to_owned()),
    };
    let early = flush::early(&options).await?;
    std::fs::remove_dir_all(flush::folder(&options)).ok();
    Ok((!early.is_empty()).then(|| format!("found by strace: {} of 50 answers came early", early.len())))
}

async fn by_failover(binary: &Path, name: &str) -> Result<Option<String>> {
    let options = failover::Options { binary: Some(binary.to_owned()), mutant: Some(name.to_owned()) };
    let broken = failover::broken(&options).await?;
    Ok(broken.first().map(|first| format!("found by the failover ({} times): {first}", broken.len())))
}

async fn by_round(binary: &Path, name: &str, round: &str, share: usize, rules: &[Rule]) -> Result<Option<String>> {
    for seed in 1..=TRIES {
        let plan = plan::round(round, share, seed).context("there is no such round")?;
        let folder = run::folder(name, seed);
        let outcome = plan
            .run(seed, binary.to_owned(), folder.clone(), Some(name.to_owned()))
            .await
            .with_context(|| format!("mutant {name}, round {round}, seed {seed}"))?;
        std::fs::remove_dir_all(folder).ok();
        let broken: BTreeSet<Rule> = outcome.violations.iter().map(|violation| violation.rule).collect();
        if broken.iter().any(|rule| rules.contains(rule)) {
            let broken: Vec<String> = broken.iter().map(|rule| format!("{rule:?}")).collect();
            return Ok(Some(format!("found by {} ({} times)", broken.join(", "), outcome.violations.len())));
        }
    }
    Ok(None)
}
