//! Writes the result of a run to two files, one for people and one for programs.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result};
use promises::Rule;
use serde_json::{Value, json};
use testkit::checker::Bound;

use crate::{round::Outcome, shell::output};

/// The result of a whole run.
#[derive(Debug)]
pub struct Report<'a> {
    /// Its name.
    pub name: &'a str,
    /// The seed that it began with.
    pub seed: u64,
    /// The rounds that were run: name, seed, seconds, broken promises.
    pub rounds: Vec<(String, u64, f64, usize)>,
    /// The results of all rounds, added up.
    pub outcome: &'a Outcome,
    /// How long it took.
    pub took: Duration,
    /// The commit that was run, or `unknown`.
    pub commit: String,
}

/// The promises that are checked. P3 is not: only the simulation reuses a client id for another text.
fn rules() -> impl Iterator<Item = Rule> {
    Rule::ALL.iter().copied().filter(|rule| *rule != Rule::P3)
}

impl Report<'_> {
    /// Writes `NAME.json` and `NAME.md` into a folder.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(&self.json())?;
        fs::write(folder.join(format!("{}.json", self.name)), json + "\n")?;
        fs::write(folder.join(format!("{}.md", self.name)), self.markdown())
            .with_context(|| format!("the result cannot be written to {}", folder.display()))
    }

    fn broken(&self, rule: Rule) -> usize {
        if rule == Rule::I16 {
            return self.outcome.bounds().iter().filter(|bound| !bound.is_kept()).count();
        }
        self.outcome.violations.iter().filter(|violation| violation.rule == rule).count()
    }

    fn applied(&self, rule: Rule) -> u64 {
        if rule == Rule::I16 {
            let bounds = self.outcome.bounds();
            return bounds.iter().filter(|bound| bound.limit.is_some() && bound.of > 0).count() as u64;
        }
        self.outcome.checks.get(&rule).copied().unwrap_or_default()
    }

    fn json(&self) -> Value {
        let told = |rule: Rule| json!({"rule": rule.to_string(), "says": rule.says(), "violations": self.broken(rule), "checks": self.applied(rule)});
        let rules: Vec<Value> = rules().map(told).collect();
        let rounds: Vec<Value> = self
            .rounds
            .iter()
            .map(|(name, seed, seconds, broken)| json!({"round": name, "seed": seed, "seconds": seconds.round(), "violations": broken}))
            .collect();
        json!({
            "name": self.name, "seed": self.seed, "commit": self.commit, "machine": machine(), "seconds": self.took.as_secs(),
            "faults": self.outcome.faults, "seen": self.outcome.seen, "acknowledged": self.outcome.acknowledged(),
            "rules": rules, "bounds": self.outcome.bounds(), "slow_readers": self.outcome.slow,
            "rounds": rounds,
        })
    }

    fn markdown(&self) -> String {
        let mut lines = vec![
            format!("# Chaos: {}", self.name),
            String::new(),
            format!(
                "{} rounds in {} minutes, seed {}, commit {}, on {}. Made by the program in `crates/chaos`; what it does is told in `docs/reliability/README.md`.",
                self.rounds.len(),
                self.took.as_secs() / 60,
                self.seed,
                self.commit,
                machine()
            ),
            String::new(),
        ];
        let counts = |title: &str, counts: Vec<(String, u64)>| {
            let rows = counts.into_iter().map(|(name, count)| format!("| {name} | {count} |"));
            [format!("| {title} | |"), "|---|---|".to_owned()]
                .into_iter()
                .chain(rows)
                .chain([String::new()])
                .collect::<Vec<_>>()
        };
        let named = |(name, count): (&&'static str, &u64)| ((*name).to_owned(), *count);
        lines.extend(counts("what was broken", self.outcome.faults.iter().map(named).collect()));
        let acknowledged = ("acknowledged sends".to_owned(), self.outcome.acknowledged());
        lines.extend(counts(
            "what was seen",
            [acknowledged].into_iter().chain(self.outcome.seen.iter().map(named)).collect(),
        ));
        lines.extend(["| promise | | violations | of checks |".to_owned(), "|---|---|---|---|".to_owned()]);
        lines.extend(
            rules()
                .map(|rule| format!("| {rule} | {} | {} | {} |", rule.says(), self.broken(rule), self.applied(rule))),
        );
        lines.extend([
            String::new(),
            "| bound | measured | limit | measurements | |".to_owned(),
            "|---|---|---|---|---|".to_owned(),
        ]);
        lines.extend(self.outcome.bounds().iter().map(|bound| {
            let Bound { name, unit, measured, of, .. } = bound;
            let limit = bound.limit.map_or("–".to_owned(), |limit| format!("{limit:.0} {unit}"));
            let kept = if bound.is_kept() { "" } else { "broken" };
            format!("| {name} | {measured:.0} {unit} | {limit} | {of} | {kept} |")
        }));
        lines.push(String::new());
        lines.join("\n")
    }
}

/// The machine, in a line.
fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    let kilobytes: u64 = kilobytes.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default();
    format!("{count} × {model}, {} GiB", kilobytes / 1_048_576)
}

/// The commit of the working folder, or `unknown`.
#[must_use]
pub fn commit() -> String {
    output(Command::new("git").args(["rev-parse", "--short=12", "HEAD"])).unwrap_or_else(|_| "unknown".to_owned())
}
