//! One round: a topology, clients that talk, faults, a time of rest, and the judgement.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use testkit::{
    api::Api,
    carrier::Carrier,
    checker::{
        Bound, Evidence, Figures, FileRead, FileStep, Linked, Log, Picture, Rule, Step, Violation, check_and_count,
        figures,
    },
    dice::Dice,
    kill::Sweeper,
    linker::Linker,
    talker::{Habits, Phase, Talker, wait_for_quiet},
};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    nemesis::{Deeds, Fault, Nemesis, Way},
    slow::SlowFigures,
    topology::{Needs, Profile, Topology},
    town::Town,
};

/// How old must be what a sweep during a round removes: an upload that is so old has its row or is dead.
const SWEPT_AGE: Duration = Duration::from_secs(20);
/// Between two sweeps of a round.
const SWEPT_EVERY: Duration = Duration::from_millis(1_500);

/// The parameters of a round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its name in reports.
    pub name: &'static str,
    /// The topology.
    pub profile: Profile,
    /// The faults; the seed decides their order.
    pub faults: Vec<Fault>,
    /// Milliseconds between two faults.
    pub between: (u64, u64),
    /// Milliseconds between two actions of one talker.
    pub pace: (u64, u64),
    /// The number of clients that talk.
    pub talkers: usize,
    /// The number of clients that only listen.
    pub listeners: usize,
    /// The number of clients that listen, and pause for seconds now and then.
    pub dawdlers: usize,
    /// The number of characters of padding in each text.
    pub padding: usize,
    /// The number of clients that carry files.
    pub carriers: usize,
    /// The number of clients that send links.
    pub linkers: usize,
}

/// The result of a round.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Faults, by heading.
    pub faults: BTreeMap<&'static str, u64>,
    /// Counts of what clients did and received, by heading.
    pub seen: BTreeMap<&'static str, u64>,
    /// How often each rule was applied.
    pub checks: BTreeMap<Rule, u64>,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// Measurements.
    pub figures: Figures,
    /// The longest start of a node.
    pub slowest_start: Duration,
    /// The longest orderly stop of a node.
    pub slowest_stop: Duration,
    /// The cost of slow readers.
    pub slow: Vec<SlowFigures>,
}

impl Outcome {
    /// Acknowledged sends, repeats included.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.seen.iter().filter(|(name, _)| name.starts_with("acknowledged")).map(|(_, count)| count).sum()
    }

    /// All bounds (I16): those that clients measured, and those of the nodes themselves.
    #[must_use]
    pub fn bounds(&self) -> Vec<Bound> {
        let time = |name, limit, took: Duration| Bound {
            name,
            unit: "ms",
            limit: Some(limit),
            measured: took.as_secs_f64() * 1_000.0,
            of: usize::from(!took.is_zero()),
        };
        let each = self.slow.iter().map(|slow| slow.memory as f64 / 1_024.0 / slow.readers.max(1) as f64);
        let memory = Bound {
            name: "memory per slow connection, most",
            unit: "KiB",
            limit: Some(512.0),
            measured: each.fold(0.0, f64::max),
            of: self.slow.len(),
        };
        let mut bounds = self.figures.bounds();
        bounds.push(time("start of a killed node, longest", 2_000.0, self.slowest_start));
        bounds.push(time("orderly stop, longest", 35_000.0, self.slowest_stop));
        bounds.push(memory);
        bounds
    }

    /// Adds another round's result.
    pub fn add(&mut self, other: Self) {
        for (mine, others) in [(&mut self.faults, other.faults), (&mut self.seen, other.seen)] {
            others.into_iter().for_each(|(name, count)| *mine.entry(name).or_default() += count);
        }
        other.checks.into_iter().for_each(|(rule, count)| *self.checks.entry(rule).or_default() += count);
        self.violations.extend(other.violations);
        self.figures.add(other.figures);
        self.slowest_start = self.slowest_start.max(other.slowest_start);
        self.slowest_stop = self.slowest_stop.max(other.slowest_stop);
        self.slow.extend(other.slow);
    }
}

impl Round {
    fn needs(&self, binary: PathBuf, folder: PathBuf, mutant: Option<String>) -> Needs {
        Needs {
            binary,
            folder,
            clocks: self.faults.contains(&Fault::ClockStep),
            small_disk: self.faults.contains(&Fault::FillDisk),
            bucket: self.has_bucket(),
            mutant,
        }
    }

    fn has_bucket(&self) -> bool {
        let needs_one = |fault: &Fault| matches!(fault, Fault::Partition(Way::Bucket, _) | Fault::BucketKill);
        self.faults.iter().any(needs_one)
    }

    /// Runs it in a folder of its own. The folder stays if a promise was broken.
    ///
    /// # Errors
    /// If something cannot be started or does not come back. Broken promises are not an error; they are in the result.
    pub async fn run(&self, seed: u64, binary: PathBuf, folder: PathBuf, mutant: Option<String>) -> Result<Outcome> {
        let needs = self.needs(binary, folder.clone(), mutant);
        let mut topology = Topology::start(self.profile, &needs).await?;
        let api = Api::at(topology.address()?);
        let town = Town::settle(&api, self.talkers, 5).await?;
        let clock = Instant::now();
        let (phase, phases) = watch::channel(Phase::Talk);
        let mut crowd = Crowd { tasks: JoinSet::new(), standings: Vec::new() };
        self.gather(&mut crowd, &town, (&topology.urls(), &topology.direct()), seed, clock, &phases);
        let mut carriers = self.carriers(&api, &town, &topology.urls(), seed, &phases).await?;
        let mut linkers = self.linkers(&api, &town, &topology.urls(), seed, &phases).await?;
        let (database, files) = topology.kept(&folder);
        // On SQLite there is one node, and nobody else writes.
        let sweeper = match &topology.postgres {
            Some(_) => Some(Arc::new(Sweeper::at(&database, &files).await?)),
            None => None,
        };
        let sweeping = sweeper
            .clone()
            .map(|sweeper| tokio::spawn(async move { sweeper.sweep_on(SWEPT_AGE, SWEPT_EVERY).await }).abort_handle());

        let dice = Dice(seed);
        let mut nemesis = Nemesis { topology: &mut topology, town: &town, dice, clock, deeds: Deeds::default() };
        let raged = nemesis.rage(&self.faults, self.between).await;
        let deeds = std::mem::take(&mut nemesis.deeds);
        raged?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        phase.send_replace(Phase::Finish);
        // A server that keeps its promises comes to rest; one that does not is judged all the same.
        let quiet = wait_for_quiet(&crowd.standings, Duration::from_secs(30)).await;
        // A reminder that a killed node was working on becomes due when its lease is over, and changes its person's
        // account: the clients stay until they have received that.
        let reminders = testkit::kill::reminders(&api, &town.people).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        phase.send_replace(Phase::Over);
        let mut evidence = Evidence { reminders: reminders?, ..Evidence::default() };
        while let Some(carried) = carriers.join_next().await {
            evidence.carried.push(carried?);
        }
        while let Some(linked) = linkers.join_next().await {
            evidence.linked.push(linked??);
        }
        if let Some(sweeping) = sweeping {
            sweeping.abort();
        }
        evidence.files = testkit::kill::files(&database, &files).await?;
        if let Some(sweeper) = sweeper {
            evidence.orphans = Some(sweeper.finish().await?);
            // No message has a file that was swept.
            evidence.files.extend(testkit::kill::files(&database, &files).await?);
        }
        while let Some(history) = crowd.tasks.join_next().await {
            evidence.histories.push(history?);
        }
        evidence.strangers.extend(town.strangers.iter().map(|stranger| stranger.id));
        dump(&api, &town, &mut evidence).await?;
        drop(topology);
        if let Err(error) = quiet {
            eprintln!("{}: {error}", self.name);
        }
        // For seconds it only computes: on a thread of its own it holds up no client of a round that runs beside this.
        // It is not `block_in_place`, which ends threads: a program that was started dies with the thread that started it.
        let round = self.clone();
        tokio::task::spawn_blocking(move || round.judge(&evidence, deeds, &folder)).await?
    }

    /// Clients that carry files, each in a room of its own.
    async fn carriers(
        &self,
        api: &Api,
        town: &Town,
        urls: &[String],
        seed: u64,
        phases: &watch::Receiver<Phase>,
    ) -> Result<JoinSet<testkit::checker::Carried>> {
        let mut carriers = JoinSet::new();
        let [owners @ .., friend, stranger] = town.carriers.as_slice() else { return Ok(carriers) };
        for (index, owner) in owners.iter().take(self.carriers).enumerate() {
            let (name, dice) = (format!("carrier{index}"), Dice(seed ^ ((index as u64 + 500) << 32)));
            let people = [owner, friend, stranger];
            let carrier = Carrier::settles(api, people, &name, urls, dice, self.has_bucket()).await?;
            carriers.spawn(carrier.live(phases.clone()));
        }
        Ok(carriers)
    }

    /// Clients that send links, each in a room of its own.
    async fn linkers(
        &self,
        api: &Api,
        town: &Town,
        urls: &[String],
        seed: u64,
        phases: &watch::Receiver<Phase>,
    ) -> Result<JoinSet<Result<Linked>>> {
        let mut linkers = JoinSet::new();
        for (nth, author) in (1..).zip(town.linkers.iter().take(self.linkers)) {
            let dice = Dice(seed ^ ((u64::from(nth) + 700) << 32));
            let linker = Linker::settles(api, author, nth, urls, dice).await?;
            linkers.spawn(linker.live(phases.clone()));
        }
        Ok(linkers)
    }

    fn gather(
        &self,
        crowd: &mut Crowd,
        town: &Town,
        (urls, direct): (&[String], &[String]),
        seed: u64,
        clock: Instant,
        phases: &watch::Receiver<Phase>,
    ) {
        let dice = |index: usize| Dice(seed ^ ((index as u64 + 1) << 32));
        let everywhere: Vec<i64> = town.places.iter().map(|place| place.id).collect();
        let talkers = town.people.iter().enumerate().map(|(index, person)| {
            let (places, charges) = (town.places_of(index), town.charges_of(index));
            let habits = Habits { padding: self.padding, ..Habits::mixed(self.pace) };
            Talker::new(person, places, charges, habits, dice(index), clock)
        });
        let listeners = (0..self.listeners).filter_map(|index| {
            let of = index % town.people.len();
            let mut person = town.people.get(of)?.clone();
            person.name = format!("listener{index}");
            Some(Talker::new(&person, town.places_of(of), Vec::new(), Habits::listening(), dice(1_000 + index), clock))
        });
        let strangers = town.strangers.iter().enumerate().map(|(index, person)| {
            Talker::new(person, everywhere.clone(), Vec::new(), Habits::prying(), dice(10_000 + index), clock)
        });
        let dawdlers = (0..self.dawdlers).filter_map(|index| {
            let mut person = town.people.get(index)?.clone();
            person.name = format!("dawdler{index}");
            Some(Talker::new(
                &person,
                town.places_of(index),
                Vec::new(),
                Habits::dawdling(),
                dice(2_000 + index),
                clock,
            ))
        });
        for (talker, standing) in talkers.chain(listeners).chain(strangers) {
            crowd.standings.push(standing);
            crowd.tasks.spawn(talker.live(urls.to_vec(), phases.clone()));
        }
        // Not on the first node, where the cost of slow readers is measured.
        let elsewhere = direct.get(1..).filter(|rest| !rest.is_empty()).unwrap_or(direct);
        for (talker, standing) in dawdlers {
            crowd.standings.push(standing);
            crowd.tasks.spawn(talker.live(elsewhere.to_vec(), phases.clone()));
        }
    }

    fn judge(&self, evidence: &Evidence, deeds: Deeds, folder: &std::path::Path) -> Result<Outcome> {
        let (mut violations, checks) = check_and_count(evidence);
        violations.sort_by_key(|violation| violation.rule);
        if violations.is_empty() {
            std::fs::remove_dir_all(folder).context("the round's folder cannot be removed")?;
        } else {
            testkit::kill::keep(evidence, folder)?;
            std::fs::write(folder.join("spells.json"), serde_json::to_string_pretty(&deeds.spells)?)?;
        }
        let mut outcome = Outcome {
            faults: deeds.counts,
            seen: seen(evidence),
            figures: figures(evidence, &deeds.spells),
            violations,
            slowest_start: deeds.slowest_start,
            slowest_stop: deeds.slowest_stop,
            slow: deeds.slow,
            ..Outcome::default()
        };
        for (rule, count) in checks {
            *outcome.checks.entry(rule).or_default() += count;
        }
        Ok(outcome)
    }
}

/// The tasks of the clients, and the clients' states.
struct Crowd {
    tasks: JoinSet<testkit::checker::History>,
    standings: Vec<std::sync::Arc<std::sync::Mutex<testkit::talker::Standing>>>,
}

/// Reads what is kept at the end, as fresh readers find it.
async fn dump(api: &Api, town: &Town, evidence: &mut Evidence) -> Result<()> {
    for place in &town.places {
        let members = place.members.iter().filter_map(|index| town.people.get(*index));
        let owner = members.clone().next().context("a conversation without an owner")?;
        let mut log = api.dump(&owner.token, place.id, place.base).await?;
        // A member who was not added again in time has no marker.
        let inside = log.members.clone();
        for person in members.filter(|person| inside.contains(&person.id)) {
            log.markers.push(api.marker(&person.token, person.id, place.id).await?);
        }
        evidence.logs.push(log);
    }
    let owner = |log: &Log| {
        let place = town.places.iter().find(|place| place.id == log.conversation)?;
        place.members.first().and_then(|owner| town.people.get(*owner)).map(|owner| owner.token.as_str())
    };
    let readers = evidence.logs.iter().filter_map(|log| Some((log, owner(log)?))).collect();
    evidence.searches = testkit::kill::searches(api, &town.people, readers).await?;
    for person in town.people.iter().chain(&town.strangers) {
        evidence.accounts.push(api.account(&person.token, person.id).await?);
    }
    Ok(())
}

fn seen(evidence: &Evidence) -> BTreeMap<&'static str, u64> {
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    for entry in evidence.histories.iter().flat_map(|history| &history.entries) {
        let heading = match &entry.step {
            Step::Ok { repeated: true, .. } => "acknowledged, and known to be a repeat",
            Step::Ok { .. } => "acknowledged at the first time",
            Step::Fail { .. } => "definitely refused",
            Step::Unknown { .. } => "unknown for a while",
            Step::Edited { .. } | Step::Deleted { .. } | Step::Reacted { .. } => "edits, deletions and reactions",
            Step::Moved { .. } => "changes of members",
            Step::Drafted => "drafts saved or dropped",
            Step::Account { .. } => "events of accounts",
            Step::Event { .. } => "live events",
            Step::Changes { .. } => "catch-up answers",
            Step::Read { .. } => "pages read",
            Step::MarkerMoved { .. } => "markers moved",
            Step::Reminded { .. } => "reminders",
            Step::Denied { .. } => "reads denied",
            Step::Searched { .. } => "searches",
            Step::Welcome { .. } => "connections",
            _ => continue,
        };
        *seen.entry(heading).or_default() += 1;
    }
    for step in evidence.carried.iter().flat_map(|carried| &carried.steps) {
        let heading = match step {
            FileStep::Sent { .. } => "files sent",
            FileStep::Read { read: FileRead::Whole(_), .. } => "files read",
            FileStep::Thumbnail { read: FileRead::Whole(_), .. } => "thumbnails read",
            FileStep::Later { .. } => "file requests that were refused for now",
            _ => continue,
        };
        *seen.entry(heading).or_default() += 1;
    }
    for link in evidence.linked.iter().flat_map(|linked| &linked.links) {
        let heading = match (link.has_preview, link.picture) {
            (true, Picture::None) => "previews without a picture",
            (true, _) => "previews",
            (false, _) if link.is_off => "previews taken off",
            (false, _) => "links without a preview",
        };
        *seen.entry(heading).or_default() += 1;
    }
    seen
}
