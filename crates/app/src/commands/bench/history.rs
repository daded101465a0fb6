//! Pages of a long history.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use anyhow::{Result, bail};

use super::{
    Common,
    crew::{Host, Person, together},
    filling::{FILLERS, held_in, send_many},
    load::nonce,
    measured::Measured,
    report::Report,
    scan::{self, Frame},
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

/// The requests, and how they are made.
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
    let people = host.people("history", connections.max(FILLERS))?;
    let room = host.room(&people[0], &format!("bench-history-{messages}")).await?;
    host.join(people.iter().map(|person| (person.clone(), room)).collect()).await?;
    let head = held_in(host, &people[0], &[room]).await?;
    if head < messages {
        if !fill {
            bail!("the room holds {head} messages; send the rest of {messages} with --fill");
        }
        let (nonce, bytes) = (nonce(), common.text_bytes);
        send_many(host, &people, messages - head, |index| sends(room, nonce, index, bytes)).await?;
    }

    let work = format!(
        "pages of {page} ({pages:?}) from a room of {messages}, {connections} connections, {depth} requests each"
    );
    let mut report = Report::new(work.to_lowercase(), &common.setting);
    report.connections = connections;
    let measured = Measured::after_warm_up(common);
    let asked = Arc::new(Asked { page, depth, pages, room, messages, short: AtomicU64::new(0), measured });
    let (reading, entering) = (Arc::clone(&asked), host.clone());
    let readers = tokio::spawn(async move {
        let people = people.into_iter().take(connections).enumerate().collect();
        together(people, connections, move |(index, person)| {
            read(entering.clone(), person, index as u64, Arc::clone(&reading))
        })
        .await
    });
    asked.measured.wait(common, &mut report).await?;
    readers.await??;
    asked.measured.tell(&mut report);
    report.lost = asked.short.load(Relaxed);
    if report.lost > 0 {
        report.complaints.push(format!("{} pages had fewer than {page} messages", report.lost));
    }
    Ok(report)
}

struct Asked {
    page: usize,
    depth: usize,
    pages: Pages,
    room: i64,
    messages: i64,
    short: AtomicU64,
    measured: Measured,
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
                self.measured.answered(asked);
            }
            _ => self.measured.refused(),
        }
    }
}

async fn read(host: Host, person: Person, index: u64, asked: Arc<Asked>) -> Result<()> {
    let (mut socket, _) = host.enter(&person).await?;
    let (mut dice, mut frames, mut waiting) = (index + 1, Vec::new(), VecDeque::new());
    while !asked.measured.is_over() || !waiting.is_empty() {
        while waiting.len() < asked.depth && !asked.measured.is_over() {
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

/// The messages of one who fills the room.
pub(super) fn sends(room: i64, nonce: u32, index: usize, bytes: usize) -> impl FnMut(&mut Vec<u8>) + Send + 'static {
    let (mut count, padding) = (0_u64, bytes.saturating_sub(17));
    move |frames| {
        count += 1;
        let text = format!(
            "{{\"id\":\"f\",\"type\":\"message.send\",\"data\":{{\"conversation\":{room},\
             \"client_id\":\"{nonce:08x}-{index:04x}-4fff-8000-{count:012x}\",\
             \"text\":\"~{count:016}{:x<padding$}\"}}}}",
            ""
        );
        socket::frame(frames, text.as_bytes());
    }
}
