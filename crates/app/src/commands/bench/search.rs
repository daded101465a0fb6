//! Searches among many messages of words in several languages, in many rooms.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{
    Common,
    crew::{Host, Person, together},
    filling::{FILLERS, held_in, send_many},
    load::nonce,
    measured::Measured,
    report::Report,
    socket,
};

/// The searches.
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
    /// A frequent word, the best first: a thousand hits are put in order.
    Best,
    /// Suggestions for the beginnings of names.
    Completion,
}

/// The requests, and how they are made.
pub struct SearchLoad {
    /// Messages that the rooms must hold together.
    pub messages: i64,
    /// Whether to send what is missing of them.
    pub fill: bool,
    /// Rooms.
    pub rooms: usize,
    /// Connections that ask.
    pub connections: usize,
    /// The kind of search.
    pub sought: Sought,
}

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
            Self::Best => format!("{} {}", WORDS[0], WORDS[1]),
            Self::Completion => {
                let beginnings = ["from:b", "from:bench", "in:b", "in:bench-search", "in:@bench", "i"];
                beginnings[usize::try_from(dice.roll(beginnings.len() as u64)).unwrap_or_default()].to_owned()
            }
            Self::Operators => {
                let word = || WORDS[usize::try_from(10 + dice.0 % 20).unwrap_or(10)];
                format!("{} {} {} type:room after:2020-01-01 -{}", word(), WORDS[1], WORDS[0], rare(RARE - 1))
            }
            Self::Nothing => format!("{} nowhereatall", WORDS[0]),
        }
    }

    /// The command, with its input.
    fn command(self, dice: &mut Dice) -> (&'static str, Value) {
        let q = self.question(dice);
        match self {
            Self::Completion => ("search.complete", json!({ "q": q })),
            Self::Best => ("message.search", json!({ "q": q, "order": "best" })),
            Self::Words | Self::Frequent | Self::Operators | Self::Nothing => ("message.search", json!({ "q": q })),
        }
    }
}

/// Asks in a closed loop.
///
/// # Errors
/// If the rooms hold less than wanted, or the server refuses.
pub async fn run(common: &Common, host: &Host, load: SearchLoad) -> Result<Report> {
    let SearchLoad { messages, fill, rooms, connections, sought } = load;
    let people = host.people("search", FILLERS + connections)?;
    let (fillers, askers) = people.split_at(FILLERS);
    let mut places = Vec::with_capacity(rooms);
    for at in 0..rooms {
        places.push(host.room(&askers[0], &format!("bench-search-{rooms}-{at}")).await?);
    }
    // Who asks is everywhere. Who fills is in a share of the rooms: they hear all that is said there.
    let share = FILLERS.min(rooms).max(1);
    let own = |filler: usize| places.iter().copied().skip(filler % share).step_by(share).collect::<Vec<_>>();
    let mut seats: Vec<(Person, i64)> =
        askers.iter().flat_map(|person| places.iter().map(|room| (person.clone(), *room))).collect();
    for (filler, person) in fillers.iter().enumerate() {
        seats.extend(own(filler).into_iter().map(|room| (person.clone(), room)));
    }
    host.join(seats).await?;
    let held = held_in(host, &askers[0], &places).await?;
    if held < messages {
        if !fill {
            bail!("the rooms hold {held} messages; send the rest of {messages} with --fill");
        }
        let nonce = u64::from(nonce());
        send_many(host, fillers, messages - held, |index| sends(own(index), nonce + index as u64)).await?;
        let _later = found_newest(host, &askers[0]).await?;
    }
    let work = format!("searches for {sought:?} among {messages} messages in {rooms} rooms, {connections} connections");
    let mut report = Report::new(work.to_lowercase(), &common.setting);
    report.connections = connections;
    let measured = Arc::new(Measured::after_warm_up(common));
    let (asking, entering) = (Arc::clone(&measured), host.clone());
    let askers = tokio::spawn(async move {
        let people = people.into_iter().skip(FILLERS).enumerate().collect();
        together(people, connections, move |(index, person)| {
            ask(entering.clone(), person, index as u64, sought, Arc::clone(&asking))
        })
        .await
    });
    measured.wait(common, &mut report).await?;
    askers.await??;
    measured.tell(&mut report);
    Ok(report)
}

async fn ask(host: Host, person: Person, index: u64, sought: Sought, measured: Arc<Measured>) -> Result<()> {
    let (mut socket, _) = host.enter(&person).await?;
    let mut dice = Dice(index + 1);
    while !measured.is_over() {
        let (begun, (command, input)) = (Instant::now(), sought.command(&mut dice));
        match socket.call(command, &input).await {
            Ok(_) => measured.answered(begun),
            Err(_) => measured.refused(),
        }
    }
    socket.cut();
    Ok(())
}

/// Waits until the index has come to what was just sent, and how long that took. It is the last that a follower takes
/// up: whatever waited longer comes before.
///
/// # Errors
/// If the server refuses.
pub(super) async fn found_newest(host: &Host, person: &Person) -> Result<Duration> {
    let (mut socket, _) = host.enter(person).await?;
    let room = host.room(person, "bench-search-mark").await?;
    let (word, begun) = (format!("mark{:08x}", nonce()), Instant::now());
    socket.call("message.send", &json!({"conversation": room, "text": word})).await?;
    loop {
        let found = socket.call("message.search", &json!({ "q": word })).await?;
        if found["results"].as_array().is_some_and(|results| !results.is_empty()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let later = begun.elapsed();
    eprintln!("what was sent last is found {:.1} s later", later.as_secs_f64());
    socket.cut();
    Ok(later)
}

/// The messages of one who fills the rooms.
fn sends(rooms: Vec<i64>, seed: u64) -> impl FnMut(&mut Vec<u8>) + Send + 'static {
    let mut dice = Dice(seed);
    move |frames| {
        let room = rooms[usize::try_from(dice.roll(rooms.len() as u64)).unwrap_or_default()];
        let send: Value =
            json!({"id": "f", "type": "message.send", "data": {"conversation": room, "text": dice.text()}});
        socket::frame(frames, send.to_string().as_bytes());
    }
}
