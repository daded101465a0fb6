//! I16: how long things took, and whether that is within the contract's bounds.
//!
//! Everything is measured in the histories: when a send began and when others received it, when a connection was lost
//! and when the next one was welcomed. A bound leaves out what was under way during another trouble.

use std::collections::HashMap;

use serde::Serialize;

use super::{Evidence, History, Step};

/// The kind of a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A node was killed; which one is in [`Spell::node`].
    Node,
    /// A node was told to stop.
    Drain,
    /// The database.
    Database,
    /// Redis, or the connection to it from every node.
    Redis,
    /// A connection between two machines.
    Way,
    /// All clients' connections broke.
    Storm,
    /// Some subscribers read slowly or not at all.
    Slow,
    /// A clock.
    Clock,
    /// A disk.
    Disk,
}

/// A period of trouble.
#[derive(Clone, Debug, Serialize)]
pub struct Spell {
    /// Its kind.
    pub trouble: Trouble,
    /// A description.
    pub what: String,
    /// The node concerned, if it is only one.
    pub node: Option<usize>,
    /// When it began, in nanoseconds of the histories' clock.
    pub from: u64,
    /// When it was over; for a database, when it accepted connections again.
    pub to: u64,
}

/// A measurement and its limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// The name of the measurement.
    pub name: &'static str,
    /// The unit: `ms` or `KiB`.
    pub unit: &'static str,
    /// The limit; `None` where the measurement is only reported.
    pub limit: Option<f64>,
    /// The measured value.
    pub measured: f64,
    /// The number of measurements it was taken from.
    pub of: usize,
}

impl Bound {
    /// Whether the limit is kept. Without measurements, it is neither kept nor broken and counts as kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.of == 0 || self.limit.is_none_or(|limit| self.measured <= limit)
    }
}

/// All measurements of a kind, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// From a send until others received it, while there was no trouble.
    pub calm: Vec<u64>,
    /// The same while Redis was away, and nothing else.
    pub without_redis: Vec<u64>,
    /// The same from two to five seconds after Redis was back.
    pub after_redis: Vec<u64>,
    /// From the database accepting again to the next acknowledged send.
    pub database_back: Vec<u64>,
    /// From a node's kill until each of its clients had caught up on another node.
    pub moved_on: Vec<u64>,
    /// The same with [`MANY`] clients or more.
    pub many_moved_on: Vec<u64>,
    /// From the breaking of all connections until each client had caught up.
    pub after_storm: Vec<u64>,
    /// From a send until others received it, while some clients read slowly.
    pub beside_slow: Vec<u64>,
    /// The calm measurements of runs in which some clients read slowly at other times, for comparison.
    pub without_slow: Vec<u64>,
}

const SECOND: u64 = 1_000_000_000;
/// A client that is not back within this time after a trouble counts against it, unless there was another trouble
/// meanwhile.
const ALONE: u64 = 5 * SECOND;
/// From this number on, clients have longer to come back.
const MANY: usize = 2_000;

impl Figures {
    /// Adds the measurements of another run.
    pub fn add(&mut self, other: Self) {
        self.calm.extend(other.calm);
        self.without_redis.extend(other.without_redis);
        self.after_redis.extend(other.after_redis);
        self.database_back.extend(other.database_back);
        self.moved_on.extend(other.moved_on);
        self.many_moved_on.extend(other.many_moved_on);
        self.after_storm.extend(other.after_storm);
        self.beside_slow.extend(other.beside_slow);
        self.without_slow.extend(other.without_slow);
    }

    /// The bounds of the contract.
    #[must_use]
    pub fn bounds(&self) -> Vec<Bound> {
        let calm = percentile(&self.calm, 99.0);
        // The normal time depends on the machine: twice the time without trouble, and at least a tenth of a second.
        let normal = (2.0 * calm).max(100.0);
        let without_slow = percentile(&self.without_slow, 99.0);
        let bound = |name, limit, figures: &[u64], percent| Bound {
            name,
            unit: "ms",
            limit,
            measured: percentile(figures, percent),
            of: figures.len(),
        };
        vec![
            bound("delivery without trouble, median", None, &self.calm, 50.0),
            bound("delivery without trouble, p99", None, &self.calm, 99.0),
            bound("delivery while Redis is away, p99", Some(2_000.0), &self.without_redis, 99.0),
            bound("delivery 2 to 5 s after Redis is back, p99", Some(normal), &self.after_redis, 99.0),
            bound(
                "first acknowledged send after the database accepts, longest",
                Some(2_000.0),
                &self.database_back,
                100.0,
            ),
            bound("clients of a killed node caught up elsewhere, p99", Some(1_000.0), &self.moved_on, 99.0),
            bound("clients of a killed node caught up elsewhere, longest", None, &self.moved_on, 100.0),
            bound("the same with 2,000 clients and more, median", None, &self.many_moved_on, 50.0),
            bound("the same with 2,000 clients and more, longest", Some(5_000.0), &self.many_moved_on, 100.0),
            bound("all connections broken: the last client caught up", Some(5_000.0), &self.after_storm, 100.0),
            bound("delivery in the same rounds while nobody reads slowly, p99", None, &self.without_slow, 99.0),
            bound("delivery to others while some read slowly, p99", Some(2.0 * without_slow), &self.beside_slow, 99.0),
        ]
    }
}

/// A percentile in milliseconds; 0 without measurements.
fn percentile(figures: &[u64], percent: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    let place = (last as f64 * percent / 100.0).ceil() as usize;
    sorted.get(place).map_or(0.0, |nanos| *nanos as f64 / 1e6)
}

/// Takes the measurements of these troubles from the histories.
#[must_use]
pub fn figures(evidence: &Evidence, spells: &[Spell]) -> Figures {
    let of_kill = |trouble| trouble == Trouble::Node;
    let of_storm = |trouble| trouble == Trouble::Storm;
    let mut figures = Figures { after_storm: come_back(evidence, spells, of_storm), ..Figures::default() };
    let moved_on = come_back(evidence, spells, of_kill);
    if evidence.histories.len() < MANY {
        figures.moved_on = moved_on;
    } else {
        figures.many_moved_on = moved_on;
    }
    database_back(evidence, spells, &mut figures);
    let mut invoked: HashMap<(i64, &str), u64> = HashMap::new();
    for history in &evidence.histories {
        for entry in &history.entries {
            if let Step::Invoke { cid, .. } = &entry.step {
                invoked.entry((history.author, cid)).or_insert(entry.at);
            }
        }
    }
    for history in evidence.histories.iter().filter(|history| !history.dawdles) {
        let mut welcome = u64::MAX;
        for entry in &history.entries {
            match &entry.step {
                Step::Welcome { .. } => welcome = entry.at,
                Step::Lost { .. } => welcome = u64::MAX,
                Step::Event { row: Some(row), created: true, .. } if row.author != history.author => {
                    let cid = row.cid.as_deref().unwrap_or_default();
                    let Some(begun) = invoked.get(&(row.author, cid)).filter(|begun| **begun > welcome) else {
                        continue;
                    };
                    place(&mut figures, spells, *begun, entry.at);
                }
                _ => {}
            }
        }
    }
    if spells.iter().any(|spell| spell.trouble == Trouble::Slow) {
        figures.without_slow.clone_from(&figures.calm);
    }
    figures
}

/// Adds a delivery to the measurements that it belongs to, if there are any.
fn place(figures: &mut Figures, spells: &[Spell], begun: u64, heard: u64) {
    let took = heard.saturating_sub(begun);
    // The effects of a trouble must be over two seconds after its end.
    let touches = |spell: &&Spell| begun < spell.to + 2 * SECOND && heard > spell.from;
    let touched: Vec<&Spell> = spells.iter().filter(touches).collect();
    let within =
        |trouble| touched.iter().all(|spell| spell.trouble == trouble && begun > spell.from && begun < spell.to);
    if touched.is_empty() {
        let after = |spell: &Spell| {
            spell.trouble == Trouble::Redis && begun >= spell.to + 2 * SECOND && begun < spell.to + 5 * SECOND
        };
        if spells.iter().any(after) {
            figures.after_redis.push(took);
        }
        figures.calm.push(took);
    } else if within(Trouble::Redis) {
        figures.without_redis.push(took);
    } else if within(Trouble::Slow) {
        figures.beside_slow.push(took);
    }
}

fn database_back(evidence: &Evidence, spells: &[Spell], figures: &mut Figures) {
    let mut answered: Vec<u64> = evidence
        .histories
        .iter()
        .flat_map(|history| &history.entries)
        .filter(|entry| matches!(entry.step, Step::Ok { .. }))
        .map(|entry| entry.at)
        .collect();
    answered.sort_unstable();
    for spell in spells.iter().filter(|spell| spell.trouble == Trouble::Database) {
        let next = answered.get(answered.partition_point(|at| *at < spell.to));
        figures.database_back.extend(next.map(|at| at - spell.to));
    }
}

/// How long the clients whose connection broke by such a trouble took to learn everything that was said meanwhile.
fn come_back(evidence: &Evidence, spells: &[Spell], wanted: impl Fn(Trouble) -> bool) -> Vec<u64> {
    let wanted: Vec<&Spell> = spells.iter().filter(|spell| wanted(spell.trouble)).collect();
    // While no client could connect, the bound does not apply.
    let others = |spell: &Spell, until: u64| {
        spells.iter().any(|other| other.from != spell.from && other.from < until && spell.from < other.to)
    };
    let last = |history: &History| history.entries.last().map_or(0, |entry| entry.at);
    let end = evidence.histories.iter().map(last).max().unwrap_or_default();
    let mut found = Vec::new();
    for history in &evidence.histories {
        let mut lost: Option<&Spell> = None;
        for entry in &history.entries {
            match entry.step {
                Step::Lost { node } => {
                    let hit = |spell: &&&Spell| {
                        spell.node.is_none_or(|of| of == node)
                            && spell.from <= entry.at
                            && entry.at < spell.from + SECOND / 4
                    };
                    lost = lost.or(wanted.iter().find(hit).copied());
                }
                Step::CaughtUp => {
                    let spell = lost.take().filter(|spell| !others(spell, entry.at));
                    found.extend(spell.map(|spell| entry.at - spell.from));
                }
                _ => {}
            }
        }
        // A client that never came back has taken all the time there was.
        let alone = |spell: &&Spell| !others(spell, end.min(spell.from + ALONE));
        found.extend(lost.filter(alone).map(|spell| end.saturating_sub(spell.from)));
    }
    found
}
