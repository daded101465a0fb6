//! People talk while the server is killed again and again; at the end the checker judges.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use app::config::{Config, DatabaseUrl, FilesPlace, Secret};
use aws_lc_rs::digest::{SHA256, digest};
use blobs::Blobs;
use chat::presence::{Presence, Seen};
use engine::Engine;
use serde_json::{Value, json};
use store::{Db, Options, Writer};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    api::Api,
    checker::{Evidence, KeptFile, Log, Reminder, Searched, Step, Violation, check},
    dice::Dice,
    process::{Process, Setup},
    talker::{Habits, Person, Phase, Talker, wait_for_quiet},
};

const PASSWORD: &str = "a long talk under a tree";
/// An acknowledged message is found within this time.
const FOUND_WITHIN: Duration = Duration::from_secs(5);
/// The newest messages that are looked for in a conversation.
const FOUND: usize = 1_000;

/// The parameters of a run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The server's program.
    pub binary: PathBuf,
    /// A folder for its data, its log and, if a promise is broken, the histories.
    pub folder: PathBuf,
    /// The database, if it is not SQLite in the folder.
    pub database_url: Option<String>,
    /// The seed of all randomness.
    pub seed: u64,
    /// How often the server is killed.
    pub kills: usize,
    /// The number of people who talk.
    pub clients: usize,
}

/// The results of a run.
#[derive(Debug)]
pub struct Report {
    /// The seed that was used.
    pub seed: u64,
    /// How often the server was killed.
    pub kills: usize,
    /// The longest time from a start to being ready.
    pub slowest_start: Duration,
    /// Acknowledged sends.
    pub acked: usize,
    /// Sends whose outcome was unknown for a while.
    pub unknown: usize,
    /// Repeats of sends that had been stored the first time.
    pub repeated: usize,
    /// Definitely refused sends.
    pub refused: usize,
    /// Acknowledged edits.
    pub edited: usize,
    /// Reminders that were created.
    pub reminded: usize,
    /// Live events, counted for each receiver.
    pub events: usize,
    /// Catch-up answers.
    pub catch_ups: usize,
    /// Messages at the end.
    pub kept: usize,
    /// Broken promises.
    pub violations: Vec<Violation>,
}

/// Runs the scenario.
///
/// # Errors
/// If the server does not start, or the run cannot go on. Broken promises are not an error; they are in the report.
pub async fn kill_scenario(scenario: Scenario) -> Result<Report> {
    let setup = Setup {
        binary: scenario.binary.clone(),
        data: scenario.folder.clone(),
        database_url: scenario.database_url.clone(),
        environment: environment(),
        wrapper: Vec::new(),
    };
    let mut process = Process::start(setup).await?;
    let api = Api::at(process.address());
    let town = settle(&api, scenario.clients).await?;

    let (phase, phases) = watch::channel(Phase::Talk);
    let clock = Instant::now();
    let url = format!("ws://{}/v1/ws", process.address());
    let (mut clients, mut standings) = (JoinSet::new(), Vec::new());
    for (index, person) in town.people.iter().enumerate() {
        let places = town.conversations_of(index);
        let dice = Dice(scenario.seed ^ ((index as u64 + 1) << 32));
        let (talker, standing) = Talker::new(person, places, Vec::new(), Habits::talkative(), dice, clock);
        standings.push(standing);
        clients.spawn(talker.live(vec![url.clone()], phases.clone()));
    }

    let (mut dice, mut slowest_start) = (Dice(scenario.seed), Duration::ZERO);
    for _ in 0..scenario.kills {
        tokio::time::sleep(dice.millis(300, 1_200)).await;
        process.kill()?;
        tokio::time::sleep(dice.millis(0, 100)).await;
        slowest_start = slowest_start.max(process.restart().await?);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    phase.send_replace(Phase::Finish);
    let quiet = wait_for_quiet(&standings, Duration::from_secs(20)).await;
    phase.send_replace(Phase::Over);
    let mut evidence = Evidence::default();
    while let Some(history) = clients.join_next().await {
        evidence.histories.push(history?);
    }
    // A server that keeps its promises comes to rest; one that does not is judged all the same.
    if let Err(error) = quiet {
        eprintln!("{error}");
    }
    for (place, base) in &town.conversations {
        evidence.logs.push(api.dump(&town.people[0].token, *place, *base).await?);
    }
    evidence.reminders = reminders(&api, &town.people).await?;
    let readers = evidence.logs.iter().map(|log| (log, town.people[0].token.as_str())).collect();
    evidence.searches = searches(&api, &town.people, readers).await?;
    process.kill()?;
    let violations = check(&evidence);
    if !violations.is_empty() {
        keep(&evidence, &scenario.folder)?;
    }
    Ok(report(&scenario, &evidence, slowest_start, violations))
}

/// Reads all reminders, once none is waiting any more: a job that was under way when its node was killed is done when
/// its lease is over.
///
/// # Errors
/// If the server does not answer.
pub async fn reminders(api: &Api, people: &[Person]) -> Result<Vec<Reminder>> {
    let begin = Instant::now();
    loop {
        let mut all = Vec::new();
        for person in people {
            all.extend(api.reminders(&person.token, person.id).await?);
        }
        if begin.elapsed() > 2 * store::jobs::LEASE || all.iter().all(|reminder| reminder.due) {
            return Ok(all);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// The messages that are found in conversations by their authors, each as one of its members finds it. Those that are not
/// there yet are waited for, for five seconds in all.
///
/// # Errors
/// If the server does not answer.
pub async fn searches(api: &Api, people: &[Person], readers: Vec<(&Log, &str)>) -> Result<Vec<Searched>> {
    let (begin, mut found) = (Instant::now(), Vec::new());
    let q = people.iter().map(|person| format!("from:{}", person.name)).collect::<Vec<_>>().join(" ");
    for (log, token) in readers {
        loop {
            let (rows, whole) = api.search(token, log.conversation, &q, FOUND).await?;
            let searched = Searched { conversation: log.conversation, rows, whole };
            if begin.elapsed() > FOUND_WITHIN || crate::checker::differences(log, &searched).is_empty() {
                found.push(searched);
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    Ok(found)
}

/// Where the files of a run are.
#[derive(Clone, Debug)]
pub enum FilesAt {
    /// In a folder.
    Folder(PathBuf),
    /// In the bucket [`BUCKET`] of the store at this URL.
    Bucket(String),
}

/// The bucket of a run.
pub const BUCKET: &str = "palabre";

impl FilesAt {
    fn blobs(&self) -> Result<Arc<dyn Blobs>> {
        app::parts::blobs(&self.config())
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        match self {
            Self::Folder(folder) => config.data.files = Some(FilesPlace::Folder(folder.clone())),
            Self::Bucket(endpoint) => {
                config.data.files = Some(FilesPlace::Bucket { name: BUCKET.to_owned(), prefix: String::new() });
                config.s3.endpoint = Some(endpoint.clone());
                config.s3.access_key = Some("testing".to_owned());
                config.s3.secret_key = Some(Secret::new("testing"));
            }
        }
        config
    }
}

/// Sweeps the store of files while things break, as each node does, which waits an hour between two sweeps and a day for
/// what may still get its row: nobody would see those meet a fault.
pub struct Sweeper {
    engine: Engine,
    db: Db,
}

impl Sweeper {
    /// One on this database and store.
    ///
    /// # Errors
    /// If they cannot be opened.
    pub async fn at(database_url: &str, at: &FilesAt) -> Result<Self> {
        let mut config = at.config();
        config.database.url = Some(DatabaseUrl::parse(database_url).map_err(|why| anyhow!("{database_url}: {why}"))?);
        let db = app::parts::database(&config).await?;
        let (outlet, _nobody_listens) = tokio::sync::mpsc::channel(1);
        let (writer, _task) = Writer::start(db.clone(), app::parts::clock(), outlet);
        let here = Arc::new(|_| Seen { presence: Presence::Offline, last_seen_at: None });
        let settings = app::parts::engine_settings(&config, None)?;
        Ok(Self { engine: Engine::new(db.clone(), writer, app::parts::clock(), here, settings), db })
    }

    /// Sweeps what is as old as that, again and again. A sweep that fails is made up for by the next.
    pub async fn sweep_on(&self, age: Duration, pause: Duration) {
        loop {
            let _next_time = self.engine.sweep_files(age).await;
            tokio::time::sleep(pause).await;
        }
    }

    /// Sweeps what is left when everybody has gone. Returns how many blobs without a row are there after that.
    ///
    /// # Errors
    /// If one fails.
    pub async fn finish(&self) -> Result<usize> {
        for _ in 0..2 {
            self.engine.sweep_files(Duration::ZERO).await?;
        }
        let left = self.engine.sweep_files(Duration::ZERO).await?;
        self.db.close().await;
        Ok(left.unfinished + left.removed + left.suspected)
    }
}

/// The files that a database knows, and whether the bytes of each are there.
///
/// # Errors
/// If the database or the store does not answer.
pub async fn files(database_url: &str, at: &FilesAt) -> Result<Vec<KeptFile>> {
    let options = Options { url: database_url.to_owned(), readers: 1, connect_timeout: Duration::from_secs(30) };
    let (db, blobs) = (Db::open(&options).await?, at.blobs()?);
    let (mut kept, mut last) = (Vec::new(), 0);
    loop {
        let page = store::files::page(&mut *db.read().await?, last, 1_000).await?;
        let Some(newest) = page.last() else { break };
        last = newest.number;
        let numbers = page.iter().map(|stored| stored.number);
        for thumbnail in store::files::thumbnails::of(&mut *db.read().await?, numbers).await? {
            let size = match blobs.open(thumbnail.id).await {
                Ok(reading) => i64::try_from(reading.size())?,
                Err(blobs::Error::NotFound) => 0,
                Err(error) => return Err(error.into()),
            };
            kept.push(KeptFile { file: format!("the thumbnail {}", thumbnail.id), is_whole: size == thumbnail.bytes });
        }
        for stored in &page {
            let bytes = match blobs.open(stored.file.id).await {
                Ok(mut reading) => {
                    let size = usize::try_from(reading.size())?;
                    reading.read(0, size).await?
                }
                Err(blobs::Error::NotFound) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            let hash = digest(&SHA256, &bytes);
            let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            kept.push(KeptFile { file: stored.file.id.to_string(), is_whole: hash == stored.file.sha256 });
        }
    }
    db.close().await;
    Ok(kept)
}

/// An environment in which only the server's capacity limits the load.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    let limits = [
        "messages_per_minute",
        "message_burst",
        "requests_per_minute",
        "request_burst",
        "searches_per_minute",
        "search_burst",
        "uploads_per_minute",
        "upload_burst",
    ];
    let raised = limits.map(|limit| (limit, 100_000_000));
    let others = [
        ("connections_per_user", 1_000),
        ("unauthenticated_connections_per_address", 1_000_000),
        ("unauthenticated_connections", 1_000_000),
        ("unauthenticated_per_address", 1_000),
        ("login_attempts", 100_000),
        ("registrations_per_hour", 100_000),
        ("catch_up", 100_000),
        ("reminders", 10_000),
        // Some files go in parts to a store of others, which begins at 16 MiB.
        ("file_bytes", 20 << 20),
        ("file_bytes_per_user", 1 << 40),
        ("file_bytes_per_server", 1 << 40),
        ("waiting_files_per_user", 10_000),
        // So many that all who talk can be asked for at once.
        ("search_terms", 100),
        ("search_length", 2_000),
        ("search_page", 200),
        // So small that somebody who missed a few dozen messages gets them in several pieces.
        ("catch_up_bytes", 16_384),
    ];
    let variable =
        |(limit, value): (&str, i64)| (format!("PALABRE_LIMITS__{}", limit.to_uppercase()), value.to_string());
    raised.into_iter().chain(others).map(variable).collect()
}

fn report(scenario: &Scenario, evidence: &Evidence, slowest_start: Duration, violations: Vec<Violation>) -> Report {
    let mut report = Report {
        seed: scenario.seed,
        kills: scenario.kills,
        slowest_start,
        acked: 0,
        unknown: 0,
        repeated: 0,
        refused: 0,
        edited: 0,
        reminded: 0,
        events: 0,
        catch_ups: 0,
        kept: evidence.logs.iter().map(|log| log.rows.len()).sum(),
        violations,
    };
    for entry in evidence.histories.iter().flat_map(|history| &history.entries) {
        match &entry.step {
            Step::Ok { repeated, .. } => {
                report.acked += 1;
                report.repeated += usize::from(*repeated);
            }
            Step::Unknown { .. } => report.unknown += 1,
            Step::Fail { .. } => report.refused += 1,
            Step::Edited { .. } => report.edited += 1,
            Step::Reminded { .. } => report.reminded += 1,
            Step::Event { .. } => report.events += 1,
            Step::Changes { .. } => report.catch_ups += 1,
            _ => {}
        }
    }
    report
}

/// Writes the evidence to files, for analysis.
///
/// # Errors
/// If it cannot be written.
pub fn keep(evidence: &Evidence, folder: &Path) -> Result<()> {
    for history in &evidence.histories {
        let lines: Vec<String> = history.entries.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        std::fs::write(folder.join(format!("history-{}.jsonl", history.client)), lines.join("\n"))?;
    }
    std::fs::write(folder.join("reminders.json"), serde_json::to_string_pretty(&evidence.reminders)?)?;
    std::fs::write(folder.join("carried.json"), serde_json::to_string_pretty(&evidence.carried)?)?;
    std::fs::write(folder.join("files.json"), serde_json::to_string_pretty(&evidence.files)?)?;
    std::fs::write(folder.join("logs.json"), serde_json::to_string_pretty(&evidence.logs)?)?;
    Ok(())
}

/// The people, and the conversations with their heads at the beginning.
struct Town {
    people: Vec<Person>,
    conversations: Vec<(i64, i64)>,
}

impl Town {
    /// The conversations of one person: two rooms for all, and a direct conversation of the first two people.
    fn conversations_of(&self, person: usize) -> Vec<i64> {
        let count = if person < 2 { 3 } else { 2 };
        self.conversations.iter().take(count).map(|(conversation, _)| *conversation).collect()
    }
}

async fn settle(api: &Api, count: usize) -> Result<Town> {
    let mut people = Vec::new();
    for index in 0..count {
        let name = format!("talker{index}");
        let tokens = api.post("", "accounts", &json!({"username": name, "password": PASSWORD})).await?;
        let id = tokens["user"]["id"].as_i64().context("an account without an id")?;
        let token = tokens["access_token"].as_str().context("an account without a token")?.to_owned();
        people.push(Person { name, id, token });
    }
    let (first, second) = (&people[0], &people[1]);
    let room = |name: &str| json!({"kind": "room", "name": name, "visibility": "public", "client_id": name});
    let wanted = [room("square"), room("market"), json!({"kind": "direct", "user": second.id})];
    let mut conversations = Vec::new();
    for wanted in wanted {
        let made = api.post(&first.token, "conversations", &wanted).await?;
        let id = made["id"].as_i64().context("a conversation without an id")?;
        for person in people.iter().skip(1).filter(|_| wanted["kind"] == "room") {
            api.post(&person.token, &format!("conversations/{id}/join"), &Value::Null).await?;
        }
        let joined = api.get(&first.token, &format!("conversations/{id}")).await?;
        conversations.push((id, joined["head"].as_i64().context("a conversation without a head")?));
    }
    Ok(Town { people, conversations })
}

/// Creates an empty schema in a PostgreSQL database, and returns the URL that makes a server use it.
///
/// # Errors
/// If the database cannot be reached, or the schema exists already.
pub async fn fresh_schema(server: &str, schema: &str) -> Result<String> {
    let options = store::Options { url: server.to_owned(), readers: 1, connect_timeout: Duration::from_secs(30) };
    let database = store::Db::open(&options).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    database.create_schema_for_tests(schema).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let separator = if server.contains('?') { '&' } else { '?' };
    Ok(format!("{server}{separator}options[search_path]={schema},public"))
}
