//! Pages of a long history.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::json;

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

/// Where the pages are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Pages {
    /// The newest page, which a server may keep at hand.
    Newest,
    /// Pages all over the history, which it cannot.
    Anywhere,
}

/// What is asked, and how.
pub struct Question {
    /// Messages that the room must hold.
    pub messages: i64,
    /// Whether to send what is missing of them.
    pub fill: bool,
    /// Connections that ask.
    pub connections: usize,
    /// Requests that each has under way.
    pub depth: usize,
    /// Messages on a page.
    pub page: usize,
    /// Which pages.
    pub pages: Pages,
}

/// Asks for pages in a closed loop.
///
/// # Errors
/// If the room is shorter than wanted, or the server refuses.
pub async fn run(common: &Common, host: &Host, question: Question) -> Result<Report> {
    let Question { messages, fill, connections, depth, page, pages } = question;
    let people = host.people("history", connections.max(4))?;
    let room = host.room(&people[0], &format!("bench-history-{messages}")).await?;
    host.join(people.iter().map(|person| (person.clone(), room)).collect()).await?;
    let head = head(host, &people[0], room).await?;
    if head < messages {
        if !fill {
            bail!("the room holds {head} messages; send the rest of {messages} with --fill");
        }
        fill_room(common, host, &people[..4], room, messages - head).await?;
    }

    let work = format!(
        "pages of {page} ({pages:?}) from a room of {messages}, {connections} connections, {depth} requests each"
    );
    let mut report = Report::new(work.to_lowercase(), &common.setting);
    report.connections = connections;
    report.remember("before", usage(&common.server_pid)?);
    let begin = Instant::now();
    let start = begin + Duration::from_secs(common.warm_up);
    let end = start + Duration::from_secs(common.seconds);
    let asked = Arc::new(Asked { page, depth, pages, room, messages, start, end, ..Asked::default() });
    let (reading, entering) = (Arc::clone(&asked), host.clone());
    let readers = tokio::spawn(async move {
        let people = people.into_iter().take(connections).enumerate().collect();
        together(people, connections, move |(index, person)| {
            read(entering.clone(), person, index as u64, Arc::clone(&reading))
        })
        .await
    });
    tokio::time::sleep_until(start.into()).await;
    let (before, answers_before) = (usage(&common.server_pid)?, asked.answers.load(Relaxed));
    tokio::time::sleep_until(end.into()).await;
    let (after, answers) = (usage(&common.server_pid)?, asked.answers.load(Relaxed) - answers_before);
    readers.await??;
    report.seconds = (end - start).as_secs_f64();
    report.requests_per_second = Some(answers as f64 / report.seconds);
    report.server_cpu_seconds = before.zip(after).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.requests_per_cpu_second = report.server_cpu_seconds.map(|cpu| answers as f64 / cpu.max(0.01));
    report.request = asked.times.percentiles();
    report.refused = asked.refused.load(Relaxed);
    report.lost = asked.short.load(Relaxed);
    if report.lost > 0 {
        report.complaints.push(format!("{} pages had fewer than {page} messages", report.lost));
    }
    report.remember("after", after);
    Ok(report)
}

struct Asked {
    page: usize,
    depth: usize,
    pages: Pages,
    room: i64,
    messages: i64,
    start: Instant,
    end: Instant,
    answers: AtomicU64,
    refused: AtomicU64,
    short: AtomicU64,
    times: Histogram,
}

impl Default for Asked {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            page: 50,
            depth: 1,
            pages: Pages::Newest,
            room: 0,
            messages: 0,
            start: now,
            end: now,
            answers: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            short: AtomicU64::new(0),
            times: Histogram::default(),
        }
    }
}

impl Asked {
    fn ask(&self, frames: &mut Vec<u8>, dice: &mut u64) {
        let mut text = format!(
            "{{\"id\":\"h\",\"type\":\"message.history\",\"data\":{{\"conversation\":{},\"limit\":{}",
            self.room, self.page
        );
        if self.pages == Pages::Anywhere {
            *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (least, most) = (self.page as u64 * 2, u64::try_from(self.messages).unwrap_or_default());
            let before = least + (*dice >> 33) % most.saturating_sub(least).max(1);
            let _ = write!(text, ",\"before_seq\":{before}");
        }
        text.push_str("}}");
        socket::frame(frames, text.as_bytes());
    }

    fn answer(&self, text: &[u8], asked: Instant) {
        match scan::frame(text) {
            Frame::Answer { kind: b"history" } => {
                if scan::messages(text) < self.page as u64 {
                    self.short.fetch_add(1, Relaxed);
                }
                if asked >= self.start && Instant::now() < self.end {
                    self.times.record(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
                self.answers.fetch_add(1, Relaxed);
            }
            _ => {
                self.refused.fetch_add(1, Relaxed);
            }
        }
    }
}

async fn read(host: Host, person: Person, index: u64, asked: Arc<Asked>) -> Result<()> {
    let (mut socket, _) = host.enter(&person).await?;
    let (mut dice, mut frames, mut waiting) = (index + 1, Vec::new(), VecDeque::new());
    while Instant::now() < asked.end || !waiting.is_empty() {
        while waiting.len() < asked.depth && Instant::now() < asked.end {
            asked.ask(&mut frames, &mut dice);
            waiting.push_back(Instant::now());
        }
        socket.send(&frames).await?;
        frames.clear();
        if waiting.is_empty() {
            break;
        }
        let read = socket
            .read(|text| {
                if text.starts_with(b"{\"re\":")
                    && let Some(since) = waiting.pop_front()
                {
                    asked.answer(text, since);
                }
            })
            .await?;
        if let Read::Closed(reason) = read {
            bail!("a reader's connection ended: {reason}");
        }
    }
    socket.cut();
    Ok(())
}

/// How many numbers the room has used.
pub(super) async fn head(host: &Host, person: &Person, room: i64) -> Result<i64> {
    let (mut socket, _) = host.enter(person).await?;
    let told = socket.call("message.history", &json!({"conversation": room, "limit": 1})).await?;
    socket.cut();
    Ok(told["head"].as_i64().unwrap_or_default())
}

/// Sends so many messages as fast as the server takes them.
pub(super) async fn fill_room(common: &Common, host: &Host, people: &[Person], room: i64, count: i64) -> Result<()> {
    eprintln!("sending {count} messages …");
    let (begin, left) = (Instant::now(), Arc::new(AtomicI64::new(count)));
    let (host, nonce, bytes) = (host.clone(), nonce(), common.text_bytes);
    let people = people.iter().cloned().enumerate().collect();
    let filling = together(people, 4, move |(index, person)| {
        fill(host.clone(), person, room, Arc::clone(&left), (nonce, index, bytes))
    });
    filling.await?;
    let seconds = begin.elapsed().as_secs_f64();
    eprintln!("sent {count} messages in {seconds:.1} s: {:.0}/s", count as f64 / seconds);
    Ok(())
}

/// Sends that one filler has under way.
const WINDOW: usize = 512;

async fn fill(
    host: Host,
    person: Person,
    room: i64,
    left: Arc<AtomicI64>,
    (nonce, index, bytes): (u32, usize, usize),
) -> Result<()> {
    let (mut socket, _) = host.enter(&person).await?;
    let (mut under_way, mut count, mut frames) = (0_usize, 0_u64, Vec::new());
    let padding = bytes.saturating_sub(17);
    let mut refusal = None;
    loop {
        while under_way < WINDOW && left.fetch_sub(1, Relaxed) > 0 {
            count += 1;
            under_way += 1;
            let text = format!(
                "{{\"id\":\"f\",\"type\":\"message.send\",\"data\":{{\"conversation\":{room},\
                 \"client_id\":\"{nonce:08x}-{index:04x}-4fff-8000-{count:012x}\",\
                 \"text\":\"@{count:016}{:x<padding$}\"}}}}",
                ""
            );
            socket::frame(&mut frames, text.as_bytes());
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
