//! Searches among many messages of words in several languages, in many rooms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{
    Common,
    crew::{Host, Person, together},
    histogram::Histogram,
    load::nonce,
    report::Report,
    scan::{self, Frame},
    server::usage,
    socket::{self, Read},
};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Sought {
    /// Two words, each in one message of some hundreds.
    Words,
    /// A word that stands in about every second message.
    Frequent,
    /// Three words with operators.
    Operators,
    /// A word that stands nowhere, with one that stands nearly everywhere.
    Nothing,
}

/// What is asked, and how.
pub struct SearchLoad {
    /// Messages that the rooms must hold together.
    pub messages: i64,
    /// Whether to send what is missing of them.
    pub fill: bool,
    /// Rooms.
    pub rooms: usize,
    /// Connections that ask.
    pub connections: usize,
    /// What for.
    pub sought: Sought,
}

/// People who fill the rooms.
const FILLERS: usize = 4;
/// Sends that one filler has under way.
const WINDOW: usize = 512;
/// The words that are most frequent, of several languages; what is rarer is made of syllables.
const WORDS: &[&str] = &[
    "the",
    "de",
    "und",
    "и",
    "的",
    "la",
    "of",
    "est",
    "nicht",
    "в",
    "garden",
    "maison",
    "Straße",
    "дом",
    "東京",
    "weather",
    "été",
    "schön",
    "вода",
    "工作",
    "meeting",
    "réunion",
    "Besprechung",
    "встреча",
    "明天",
    "tomorrow",
    "demain",
    "morgen",
    "завтра",
    "كتاب",
    "release",
    "déjà",
    "größer",
    "большой",
    "朋友",
    "question",
    "naïve",
    "über",
    "хорошо",
    "谢谢",
];
const SYLLABLES: &[&str] =
    &["ka", "lo", "mi", "ter", "ven", "sol", "ran", "dé", "pra", "schu", "ton", "ber", "lin", "gar", "mo", "nie"];
/// Different rarer words.
const RARE: u64 = 50_000;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }

    /// A word: the most frequent one in about every tenth place, rarer ones the less often the rarer they are.
    fn word(&mut self) -> String {
        let most = WORDS.len() as u64;
        match self.roll(10) {
            0 => WORDS[0].to_owned(),
            1..=5 => {
                let rank = self.roll(most).min(self.roll(most));
                WORDS[usize::try_from(rank).unwrap_or_default()].to_owned()
            }
            _ => {
                let rank = self.roll(RARE).min(self.roll(RARE)).min(self.roll(RARE));
                rare(rank)
            }
        }
    }

    fn text(&mut self) -> String {
        let words: Vec<String> = (0..4 + self.roll(12)).map(|_| self.word()).collect();
        words.join(" ")
    }
}

/// The rare word of this rank.
fn rare(mut rank: u64) -> String {
    let mut word = String::new();
    let base = SYLLABLES.len() as u64;
    for _ in 0..4 {
        word.push_str(SYLLABLES[usize::try_from(rank % base).unwrap_or_default()]);
        rank /= base;
    }
    word
}

impl Sought {
    fn question(self, dice: &mut Dice) -> String {
        match self {
            Self::Words => {
                format!("{} {}", WORDS[usize::try_from(10 + dice.roll(20)).unwrap_or(10)], rare(dice.roll(300)))
            }
            Self::Frequent => WORDS[0].to_owned(),
            Self::Operators => {
                let word = || WORDS[usize::try_from(10 + dice.0 % 20).unwrap_or(10)];
                format!("{} {} {} type:room after:2020-01-01 -{}", word(), WORDS[1], WORDS[0], rare(RARE - 1))
            }
            Self::Nothing => format!("{} nowhereatall", WORDS[0]),
        }
    }
}

/// Asks in a closed loop.
///
/// # Errors
/// If the rooms hold less than wanted, or the server refuses.
pub async fn run(common: &Common, host: &Host, load: SearchLoad) -> Result<Report> {
    let SearchLoad { messages, fill, rooms, connections, sought } = load;
    let people = host.people("search", FILLERS.max(connections))?;
    let mut places = Vec::with_capacity(rooms);
    for at in 0..rooms {
        places.push(host.room(&people[0], &format!("bench-search-{rooms}-{at}")).await?);
    }
    let seats = people.iter().flat_map(|person| places.iter().map(|room| (person.clone(), *room)));
    host.join(seats.collect()).await?;
    let held = held(host, &people[0], &places).await?;
    if held < messages {
        if !fill {
            bail!("the rooms hold {held} messages; send the rest of {messages} with --fill");
        }
        fill_rooms(host, &people[..FILLERS], &places, messages - held).await?;
        found_newest(host, &people[0]).await?;
    }
    let work = format!("searches for {sought:?} among {messages} messages in {rooms} rooms, {connections} connections");
    let mut report = Report::new(work.to_lowercase(), &common.setting);
    report.connections = connections;
    report.remember("before", usage(&common.server_pid)?);
    let start = Instant::now() + Duration::from_secs(common.warm_up);
    let end = start + Duration::from_secs(common.seconds);
    let asked = Arc::new(Asked { sought, start, end, ..Asked::default() });
    let (asking, entering) = (Arc::clone(&asked), host.clone());
    let askers = tokio::spawn(async move {
        let people = people.into_iter().take(connections).enumerate().collect();
        together(people, connections, move |(index, person)| {
            ask(entering.clone(), person, index as u64, Arc::clone(&asking))
        })
        .await
    });
    tokio::time::sleep_until(start.into()).await;
    let before = usage(&common.server_pid)?;
    tokio::time::sleep_until(end.into()).await;
    let after = usage(&common.server_pid)?;
    let answers = asked.answers.load(Relaxed);
    askers.await??;
    report.seconds = (end - start).as_secs_f64();
    report.requests_per_second = Some(answers as f64 / report.seconds);
    report.server_cpu_seconds = before.zip(after).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.requests_per_cpu_second = report.server_cpu_seconds.map(|cpu| answers as f64 / cpu.max(0.01));
    report.request = asked.times.percentiles();
    report.refused = asked.refused.load(Relaxed);
    report.remember("after", after);
    Ok(report)
}

struct Asked {
    sought: Sought,
    start: Instant,
    end: Instant,
    answers: AtomicU64,
    refused: AtomicU64,
    times: Histogram,
}

impl Default for Asked {
    fn default() -> Self {
        let now = Instant::now();
        let (answers, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { sought: Sought::Words, start: now, end: now, answers, refused, times: Histogram::default() }
    }
}

async fn ask(host: Host, person: Person, index: u64, asked: Arc<Asked>) -> Result<()> {
    let (mut socket, _) = host.enter(&person).await?;
    let mut dice = Dice(index + 1);
    while Instant::now() < asked.end {
        let begun = Instant::now();
        let answer = socket.call("message.search", &json!({ "q": asked.sought.question(&mut dice) })).await;
        if begun >= asked.start && Instant::now() < asked.end {
            asked.times.record(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
            asked.answers.fetch_add(1, Relaxed);
        }
        if answer.is_err() {
            asked.refused.fetch_add(1, Relaxed);
        }
    }
    socket.cut();
    Ok(())
}

/// How many numbers the rooms have used.
async fn held(host: &Host, person: &Person, rooms: &[i64]) -> Result<i64> {
    let (mut socket, _) = host.enter(person).await?;
    let mut held = 0;
    for room in rooms {
        let told = socket.call("message.history", &json!({"conversation": room, "limit": 1})).await?;
        held += told["head"].as_i64().unwrap_or_default();
    }
    socket.cut();
    Ok(held)
}

/// Waits until the index has come to what was just sent.
async fn found_newest(host: &Host, person: &Person) -> Result<()> {
    let (mut socket, _) = host.enter(person).await?;
    let room = host.room(person, "bench-search-mark").await?;
    let (word, begun) = (format!("mark{:08x}", nonce()), Instant::now());
    socket.call("message.send", &json!({"conversation": room, "text": word})).await?;
    loop {
        let found = socket.call("message.search", &json!({ "q": word })).await?;
        if found["results"].as_array().is_some_and(|results| !results.is_empty()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    eprintln!("what was sent last is found {:.1} s later", begun.elapsed().as_secs_f64());
    socket.cut();
    Ok(())
}

/// Sends so many messages as fast as the server takes them.
async fn fill_rooms(host: &Host, people: &[Person], rooms: &[i64], count: i64) -> Result<()> {
    eprintln!("sending {count} messages …");
    let (begun, left) = (Instant::now(), Arc::new(AtomicI64::new(count)));
    let (host, rooms, nonce): (_, Arc<[i64]>, _) = (host.clone(), rooms.into(), nonce());
    let people = people.iter().cloned().enumerate().collect();
    let filling = together(people, FILLERS, move |(index, person)| {
        fill(host.clone(), person, Arc::clone(&rooms), Arc::clone(&left), u64::from(nonce) + index as u64)
    });
    filling.await?;
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("sent {count} messages in {seconds:.1} s: {:.0}/s", count as f64 / seconds);
    Ok(())
}

async fn fill(host: Host, person: Person, rooms: Arc<[i64]>, left: Arc<AtomicI64>, seed: u64) -> Result<()> {
    let (mut socket, _) = host.enter(&person).await?;
    let (mut under_way, mut frames, mut dice) = (0_usize, Vec::new(), Dice(seed));
    let mut refusal = None;
    loop {
        while under_way < WINDOW && left.fetch_sub(1, Relaxed) > 0 {
            under_way += 1;
            let room = rooms[usize::try_from(dice.roll(rooms.len() as u64)).unwrap_or_default()];
            let send: Value =
                json!({"id": "f", "type": "message.send", "data": {"conversation": room, "text": dice.text()}});
            socket::frame(&mut frames, send.to_string().as_bytes());
        }
        if under_way == 0 {
            socket.cut();
            return Ok(());
        }
        socket.send(&frames).await?;
        frames.clear();
        let read = socket
            .read(|text| {
                if text.starts_with(b"{\"re\":") {
                    under_way -= 1;
                    if scan::frame(text) == (Frame::Answer { kind: b"error" }) {
                        refusal.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
                    }
                }
            })
            .await?;
        if let Some(refusal) = refusal {
            bail!("a message was refused: {refusal}");
        }
        if let Read::Closed(reason) = read {
            bail!("a sender's connection ended: {reason}");
        }
    }
}
