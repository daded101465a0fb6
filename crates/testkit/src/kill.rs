//! People talk while the server is killed again and again; in the end the checker judges.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, task::JoinSet};
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};

use crate::{
    checker::{Content, Entry, Evidence, History, Log, Row, Step, Violation, check},
    process::{Process, Setup},
};

/// Sends that a client has under way at most.
const PIPELINE: usize = 8;
const PASSWORD: &str = "a long talk under a tree";

/// What is to be done to which server.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The server's program.
    pub binary: PathBuf,
    /// A folder for its data, its log and, if a promise is broken, the histories.
    pub folder: PathBuf,
    /// The database, if it is not SQLite in the folder.
    pub database_url: Option<String>,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How often the server is killed.
    pub kills: usize,
    /// People who talk.
    pub clients: usize,
}

/// What came of it.
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
    /// Repeated sends that had been stored the first time.
    pub repeated: usize,
    /// Definitely refused sends.
    pub refused: usize,
    /// Acknowledged edits.
    pub edited: usize,
    /// Live events, counting each receiver.
    pub events: usize,
    /// Catch-up answers.
    pub catch_ups: usize,
    /// Messages kept in the end.
    pub kept: usize,
    /// Broken promises.
    pub violations: Vec<Violation>,
}

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    /// The next number (splitmix64).
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` up to, but without, `end`.
    fn between(&mut self, least: u64, end: u64) -> u64 {
        least + self.roll() % (end - least)
    }

    fn millis(&mut self, least: u64, end: u64) -> Duration {
        Duration::from_millis(self.between(least, end))
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.roll().is_multiple_of(count)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Talk,
    /// Nothing new is said; what is unknown is settled.
    Finish,
    Over,
}

/// Where a client stands, for the one who waits for quiet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    settled: bool,
    cursors: BTreeMap<i64, i64>,
}

/// Runs the scenario.
///
/// # Errors
/// If the server does not start, or the scenario itself cannot go on. Broken promises are no error but in the report.
pub async fn kill_scenario(scenario: Scenario) -> Result<Report> {
    let setup = Setup {
        binary: scenario.binary.clone(),
        data: scenario.folder.clone(),
        database_url: scenario.database_url.clone(),
        environment: environment(),
    };
    let mut process = Process::start(setup).await?;
    let api = Api { base: format!("http://{}", process.address()), http: reqwest::Client::new() };
    let town = settle(&api, scenario.clients).await?;

    let (phase, phases) = watch::channel(Phase::Talk);
    let clock = Instant::now();
    let url = format!("ws://{}/v1/ws", process.address());
    let (mut clients, mut standings) = (JoinSet::new(), Vec::new());
    for (index, person) in town.people.iter().enumerate() {
        let standing = Arc::new(Mutex::new(Standing::default()));
        standings.push(Arc::clone(&standing));
        let conversations = town.conversations_of(index);
        let dice = Dice(scenario.seed ^ ((index as u64 + 1) << 32));
        clients.spawn(Client::new(person, conversations, dice, clock, standing).live(url.clone(), phases.clone()));
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
    let quiet = wait_for_quiet(&standings).await;
    phase.send_replace(Phase::Over);
    let mut evidence = Evidence::default();
    while let Some(history) = clients.join_next().await {
        evidence.histories.push(history?);
    }
    // A server that keeps its promises becomes quiet; one that does not is judged all the same.
    if let Err(error) = quiet {
        eprintln!("{error}");
    }
    for (place, base) in &town.conversations {
        evidence.logs.push(api.dump(&town.people[0].token, *place, *base).await?);
    }
    process.kill()?;
    let violations = check(&evidence);
    if !violations.is_empty() {
        keep(&evidence, &scenario.folder)?;
    }
    Ok(report(&scenario, &evidence, slowest_start, violations))
}

/// Nothing but the server's own strength limits the load.
fn environment() -> Vec<(String, String)> {
    let limits = ["messages_per_minute", "message_burst", "requests_per_minute", "request_burst"];
    let raised = limits.map(|limit| (limit, 100_000_000));
    let others = [
        ("connections_per_user", 1_000),
        ("unauthenticated_per_address", 1_000),
        ("login_attempts", 100_000),
        ("registrations_per_hour", 100_000),
        ("catch_up", 100_000),
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
            Step::Event { .. } => report.events += 1,
            Step::Changes { .. } => report.catch_ups += 1,
            Step::Invoke { .. } | Step::Edit { .. } | Step::Resume { .. } => {}
        }
    }
    report
}

/// Writes the evidence for those who look for the reason.
fn keep(evidence: &Evidence, folder: &Path) -> Result<()> {
    for history in &evidence.histories {
        let lines: Vec<String> = history.entries.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        std::fs::write(folder.join(format!("history-{}.jsonl", history.client)), lines.join("\n"))?;
    }
    std::fs::write(folder.join("logs.json"), serde_json::to_string_pretty(&evidence.logs)?)?;
    Ok(())
}

/// Waits until nobody has anything open and all stand at the same numbers, for a while.
async fn wait_for_quiet(standings: &[Arc<Mutex<Standing>>]) -> Result<()> {
    let begin = Instant::now();
    let (mut since, mut last) = (Instant::now(), Vec::new());
    while begin.elapsed() < Duration::from_secs(20) {
        let now: Vec<Standing> =
            standings.iter().map(|one| one.lock().map(|one| one.clone()).unwrap_or_default()).collect();
        let mut heads: BTreeMap<i64, i64> = BTreeMap::new();
        for (conversation, cursor) in now.iter().flat_map(|one| &one.cursors) {
            let head = heads.entry(*conversation).or_default();
            *head = (*head).max(*cursor);
        }
        let level =
            now.iter().flat_map(|one| &one.cursors).all(|(conversation, cursor)| heads[conversation] == *cursor);
        if now != last || !level || !now.iter().all(|one| one.settled) {
            since = Instant::now();
        }
        if since.elapsed() > Duration::from_millis(1_500) {
            return Ok(());
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the clients did not become quiet: {last:?}")
}

/// Somebody with an account.
#[derive(Clone, Debug)]
struct Person {
    name: String,
    id: i64,
    token: String,
}

/// Who lives here, and the conversations with their heads at the beginning.
struct Town {
    people: Vec<Person>,
    conversations: Vec<(i64, i64)>,
}

impl Town {
    /// Two rooms for all, and a direct conversation of the first two.
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

/// The REST interface: for the beginning, and for the fresh reader in the end.
struct Api {
    base: String,
    http: reqwest::Client,
}

impl Api {
    async fn get(&self, token: &str, path: &str) -> Result<Value> {
        let request = self.http.get(format!("{}/v1/{path}", self.base)).bearer_auth(token);
        Self::answer(path, request).await
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> Result<Value> {
        let mut request = self.http.post(format!("{}/v1/{path}", self.base));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        Self::answer(path, request).await
    }

    async fn answer(path: &str, request: reqwest::RequestBuilder) -> Result<Value> {
        let mut tries = 0;
        loop {
            let again = request.try_clone().context("a request that cannot be repeated")?;
            let answer = again.timeout(Duration::from_secs(20)).send().await?;
            let status = answer.status();
            let text = answer.text().await?;
            if status.is_success() {
                return Ok(serde_json::from_str(&text)?);
            }
            // A server with a deliberate fault may not know yet what it has acknowledged. To find that out
            // is for the checker; here only the stage is set.
            tries += 1;
            if tries > 20 || !matches!(status.as_u16(), 401 | 403 | 404) {
                bail!("{path} was answered with {status}: {text}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All that is kept of a conversation. Up to `base` nobody was watching yet.
    async fn dump(&self, token: &str, conversation: i64, base: i64) -> Result<Log> {
        let place = format!("conversations/{conversation}");
        let listed = self.get(token, &place).await?;
        let number = |value: &Value| value.as_i64().context("a number is missing");
        let mut log = Log { conversation, head: number(&listed["head"])?, ..Log::default() };
        log.others.extend(1..=base);
        log.others.push(number(&listed["rev"])?);
        let members = self.get(token, &format!("{place}/members?limit=200")).await?;
        let members = members["members"].as_array().context("no members")?;
        log.others.extend(members.iter().filter_map(|member| member["rev"].as_i64()));
        let mut after = 0;
        loop {
            let page = self.get(token, &format!("{place}/messages?after_seq={after}&limit=200")).await?;
            let messages = page["messages"].as_array().context("no messages")?;
            for message in messages {
                log.rows.push(row(message).context("an unreadable message")?);
            }
            match log.rows.last() {
                Some(row) if row.seq > after && !messages.is_empty() => after = row.seq,
                _ => return Ok(log),
            }
        }
    }
}

/// A message of the protocol.
fn row(message: &Value) -> Option<Row> {
    Some(Row {
        seq: message["seq"].as_i64()?,
        rev: message["rev"].as_i64()?,
        id: message["id"].as_i64()?,
        author: message["author"]["id"].as_i64()?,
        cid: message["client_id"].as_str().map(str::to_owned),
        content: message["text"].as_str().map(Content::of),
    })
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A send that has no definite end yet.
struct Pending {
    conversation: i64,
    cid: String,
    text: String,
    under_way: bool,
}

/// Somebody who talks, listens, is cut off, comes back and repeats what is unknown.
struct Client {
    history: History,
    token: String,
    conversations: Vec<i64>,
    dice: Dice,
    clock: Instant,
    standing: Arc<Mutex<Standing>>,
    connection: u64,
    epoch: String,
    welcome: bool,
    cursors: BTreeMap<i64, i64>,
    pending: VecDeque<Pending>,
    /// Own messages that have not been edited: each is edited once at most.
    own: Vec<(i64, i64)>,
    said: u64,
}

impl Client {
    fn new(
        person: &Person,
        conversations: Vec<i64>,
        dice: Dice,
        clock: Instant,
        standing: Arc<Mutex<Standing>>,
    ) -> Self {
        Self {
            history: History { client: person.name.clone(), author: person.id, entries: Vec::new() },
            token: person.token.clone(),
            conversations,
            dice,
            clock,
            standing,
            connection: 0,
            epoch: String::new(),
            welcome: false,
            cursors: BTreeMap::new(),
            pending: VecDeque::new(),
            own: Vec::new(),
            said: 0,
        }
    }

    fn note(&mut self, step: Step) {
        let at = u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.history.entries.push(Entry { at, connection: self.connection, step });
    }

    fn stand(&self) {
        if let Ok(mut standing) = self.standing.lock() {
            *standing = Standing { settled: self.pending.is_empty(), cursors: self.cursors.clone() };
        }
    }

    async fn live(mut self, url: String, mut phases: watch::Receiver<Phase>) -> History {
        while *phases.borrow() != Phase::Over {
            self.connection += 1;
            // A lost connection is what this is about; whatever the reason, the client comes back.
            if let Err(error) = self.connect_and_talk(&url, &mut phases).await
                && error.to_string().contains("refused:")
            {
                eprintln!("{}: {error:#}", self.history.client);
            }
            self.lose_connection();
            let pause = if self.dice.one_in(6) { self.dice.millis(100, 700) } else { self.dice.millis(5, 60) };
            tokio::time::sleep(pause).await;
        }
        self.history
    }

    /// Nobody knows what became of the sends that were under way.
    fn lose_connection(&mut self) {
        let mut lost = Vec::new();
        for pending in &mut self.pending {
            if std::mem::take(&mut pending.under_way) {
                lost.push(pending.cid.clone());
            }
        }
        lost.into_iter().for_each(|cid| self.note(Step::Unknown { cid }));
        self.stand();
    }

    async fn connect_and_talk(&mut self, url: &str, phases: &mut watch::Receiver<Phase>) -> Result<()> {
        let connecting = ClientBuilder::new().uri(url)?;
        let (mut socket, _) = tokio::time::timeout(Duration::from_secs(3), connecting.connect()).await??;
        self.welcome = false;
        let resumed: Vec<(i64, i64)> = self.cursors.iter().map(|(place, cursor)| (*place, *cursor)).collect();
        for (conversation, cursor) in resumed {
            self.note(Step::Resume { conversation, cursor });
        }
        let cursors: BTreeMap<String, i64> =
            self.cursors.iter().map(|(place, cursor)| (place.to_string(), *cursor)).collect();
        let data = json!({"token": self.token, "cursors": cursors});
        say(&mut socket, "authenticate", "authenticate", data).await?;
        let begin = Instant::now();
        while !self.welcome {
            let limit = Duration::from_secs(5).saturating_sub(begin.elapsed());
            let frame = tokio::time::timeout(limit, socket.next()).await?.context("closed")??;
            self.hear(&frame)?;
        }
        self.repeat(&mut socket).await?;
        self.talk(&mut socket, phases).await
    }

    /// Sends again, with the same ids and in the same order, what has no definite end.
    async fn repeat(&mut self, socket: &mut Socket) -> Result<()> {
        for index in 0..self.pending.len() {
            if !self.pending[index].under_way {
                self.send(socket, index).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, socket: &mut Socket, index: usize) -> Result<()> {
        let pending = &mut self.pending[index];
        pending.under_way = true;
        let (conversation, cid, text) = (pending.conversation, pending.cid.clone(), pending.text.clone());
        self.note(Step::Invoke { conversation, cid: cid.clone(), content: Content::of(&text) });
        let data = json!({"conversation": conversation, "client_id": cid, "text": text});
        say(socket, &cid, "message.send", data).await
    }

    async fn talk(&mut self, socket: &mut Socket, phases: &mut watch::Receiver<Phase>) -> Result<()> {
        loop {
            self.stand();
            let phase = *phases.borrow();
            let pause = self.dice.millis(1, 15);
            tokio::select! {
                frame = socket.next() => self.hear(&frame.context("closed")??)?,
                changed = phases.changed() => {
                    changed?;
                    if *phases.borrow() == Phase::Over {
                        return Ok(());
                    }
                }
                () = tokio::time::sleep(pause) => {
                    // Only what the server called unknown is waiting here without being under way.
                    self.repeat(socket).await?;
                    if phase == Phase::Talk {
                        self.chat(socket).await?;
                        if self.dice.one_in(500) {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// Says a few things at once, or edits something said before.
    async fn chat(&mut self, socket: &mut Socket) -> Result<()> {
        if self.dice.one_in(15) && !self.own.is_empty() {
            let index = self.dice.between(0, self.own.len() as u64);
            let (conversation, seq) = self.own.swap_remove(usize::try_from(index)?);
            let text = format!("{} edited {seq} in {conversation}", self.history.client);
            self.note(Step::Edit { conversation, seq, content: Content::of(&text) });
            let data = json!({"conversation": conversation, "seq": seq, "text": text});
            return say(socket, &format!("edit:{conversation}:{seq}"), "message.edit", data).await;
        }
        for _ in 0..self.dice.between(1, 4) {
            if self.pending.len() >= PIPELINE {
                break;
            }
            self.said += 1;
            let place = usize::try_from(self.dice.between(0, self.conversations.len() as u64))?;
            let cid = format!("{}-{}-{:08x}", self.history.client, self.said, self.dice.roll() >> 32);
            let text = format!("{} says for the {}th time: {cid}", self.history.client, self.said);
            let conversation = self.conversations[place];
            self.pending.push_back(Pending { conversation, cid, text, under_way: false });
            self.send(socket, self.pending.len() - 1).await?;
        }
        Ok(())
    }

    fn hear(&mut self, message: &Message) -> Result<()> {
        if let Some((code, reason)) = message.as_close() {
            bail!("closed with {code:?} {reason}");
        }
        let Some(text) = message.as_text() else { return Ok(()) };
        let frame: Value = serde_json::from_str(text).context("a frame that is not JSON")?;
        if let Some(re) = frame["re"].as_str() {
            return self.hear_answer(re, &frame);
        }
        let (Some(conversation), data) = (frame["conversation"].as_i64(), &frame["data"]) else { return Ok(()) };
        if let Some(seq) = frame["seq"].as_i64() {
            let row = frame["type"].as_str().filter(|kind| kind.starts_with("message.")).and_then(|_| row(data));
            self.note(Step::Event { conversation, seq, row });
            let cursor = self.cursors.entry(conversation).or_default();
            *cursor = (*cursor).max(seq);
        } else if frame["type"] == "conversation.changes" {
            self.hear_changes(conversation, data)?;
        }
        Ok(())
    }

    fn hear_changes(&mut self, conversation: i64, data: &Value) -> Result<()> {
        let from = data["from"].as_i64().context("changes without from")?;
        let to = data["to"].as_i64().context("changes without to")?;
        let messages = data["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows = messages.iter().filter_map(row).collect();
        let reset = data["reset"].as_bool().unwrap_or_default();
        self.note(Step::Changes { conversation, from, to, reset, rows });
        let cursor = self.cursors.entry(conversation).or_default();
        *cursor = (*cursor).max(to);
        Ok(())
    }

    fn hear_answer(&mut self, re: &str, frame: &Value) -> Result<()> {
        let (kind, data) = (frame["type"].as_str().unwrap_or_default(), &frame["data"]);
        match kind {
            "authenticated" => self.hear_welcome(data)?,
            "message.sent" => self.hear_ack(re, data)?,
            "message" => {
                if let Some(edited) = row(data) {
                    let conversation = data["conversation"].as_i64().unwrap_or_default();
                    self.note(Step::Edited { conversation, seq: edited.seq, rev: edited.rev });
                }
            }
            "error" if re == "authenticate" => bail!("the authentication was refused: {}", frame["error"]),
            "error" => self.hear_refusal(re, &frame["error"]),
            _ => {}
        }
        Ok(())
    }

    fn hear_welcome(&mut self, data: &Value) -> Result<()> {
        self.welcome = true;
        self.epoch = data["epoch"].as_str().context("a welcome without an epoch")?.to_owned();
        let listed = data["conversations"].as_array().context("a welcome without conversations")?;
        for one in listed {
            let (Some(conversation), Some(head)) = (one["id"].as_i64(), one["head"].as_i64()) else { continue };
            if self.conversations.contains(&conversation) && !self.cursors.contains_key(&conversation) {
                self.cursors.insert(conversation, head);
                self.note(Step::Resume { conversation, cursor: head });
            }
        }
        Ok(())
    }

    fn hear_ack(&mut self, re: &str, data: &Value) -> Result<()> {
        let number = |name: &str| data[name].as_i64().with_context(|| format!("an answer without {name}"));
        let (conversation, seq, message) = (number("conversation")?, number("seq")?, number("id")?);
        let repeated = data["repeated"].as_bool().context("an answer without repeated")?;
        let epoch = self.epoch.clone();
        self.note(Step::Ok { conversation, cid: re.to_owned(), seq, message, epoch, repeated });
        self.pending.retain(|pending| pending.cid != re);
        self.own.push((conversation, seq));
        Ok(())
    }

    fn hear_refusal(&mut self, re: &str, error: &Value) {
        let Some(index) = self.pending.iter().position(|pending| pending.cid == re) else { return };
        let cid = re.to_owned();
        if error["code"] == "outcome_unknown" {
            self.pending[index].under_way = false;
            return self.note(Step::Unknown { cid });
        }
        self.pending.remove(index);
        self.note(Step::Fail { cid });
    }
}

async fn say(socket: &mut Socket, id: &str, command: &str, data: Value) -> Result<()> {
    let text = json!({"id": id, "type": command, "data": data}).to_string();
    tokio::time::timeout(Duration::from_secs(5), socket.send(Message::text(text))).await??;
    Ok(())
}

/// Makes an empty schema in a PostgreSQL database, and returns the address with which a server lives in it.
///
/// # Errors
/// If the database cannot be reached, or the schema is there already.
pub async fn fresh_schema(server: &str, schema: &str) -> Result<String> {
    let options = store::Options { url: server.to_owned(), readers: 1, connect_timeout: Duration::from_secs(5) };
    let database = store::Db::open(&options).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    database.create_schema_for_tests(schema).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let separator = if server.contains('?') { '&' } else { '?' };
    Ok(format!("{server}{separator}options[search_path]={schema},public"))
}
