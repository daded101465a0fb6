//! Talk: people sit in conversations, some of them send, all of them count what they get.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use super::{
    Common,
    crew::{Host, Person, SETUP, together},
    histogram::Histogram,
    report::Report,
    scan::{self, Frame},
    server::usage,
    socket::{self, Read, Socket},
};

/// Numbers that may be missing at once before they are only counted.
const MISSING_CEILING: usize = 100_000;

/// How a sender sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// The next message when the last one was acknowledged.
    Closed,
    /// A message every so often, whatever became of the last one.
    Open {
        /// Time between two messages.
        every: Duration,
        /// When the first is due, counted from the beginning.
        first: Duration,
    },
}

/// Where a person sits, and whether they talk.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Who.
    pub person: Person,
    /// Where.
    pub conversation: i64,
    /// How they send, if they do.
    pub pace: Option<Pace>,
}

/// The state that all tasks of a run share.
struct Run {
    begin: Instant,
    /// The measured part, in microseconds from the beginning.
    window: (u64, u64),
    stop: AtomicBool,
    text_bytes: usize,
    nonce: u32,
    /// Every how many deliveries one is timed.
    sample: u64,
    sent: AtomicU64,
    acks: AtomicU64,
    refused: AtomicU64,
    deliveries: AtomicU64,
    caught_up: AtomicU64,
    closed: AtomicU64,
    ack: Histogram,
    delivery: Histogram,
    complaints: Mutex<Vec<String>>,
}

/// The part of a connection that the conductor sees; only the connection's own task writes it.
#[derive(Default)]
struct Seen {
    last: AtomicI64,
    missing: AtomicU64,
    duplicated: AtomicU64,
    out_of_order: AtomicU64,
    outstanding: AtomicU64,
    acked: Mutex<Vec<i64>>,
}

impl Run {
    fn now(&self) -> u64 {
        micros(self.begin.elapsed())
    }

    fn measured(&self, due: u64) -> bool {
        (self.window.0..self.window.1).contains(&due)
    }

    fn complain(&self, complaint: String) {
        if let Ok(mut complaints) = self.complaints.lock()
            && complaints.len() < 10
        {
            complaints.push(complaint);
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// One connection's books.
struct Tally {
    run: Arc<Run>,
    seen: Arc<Seen>,
    conversation: i64,
    last: i64,
    missing: HashSet<i64>,
    deliveries: u64,
    timed: u64,
    /// Due times of the sends that are not answered yet, oldest first: answers come in the order of commands.
    outstanding: VecDeque<u64>,
    refused: bool,
}

impl Tally {
    fn take(&mut self, text: &[u8], now: u64) {
        match scan::frame(text) {
            Frame::Event { kind, conversation, seq } if conversation == self.conversation => match seq {
                Some(seq) => self.event(seq, kind == b"message.created", text, now),
                None if kind == b"conversation.changes" => self.changes(text),
                None => {}
            },
            Frame::Answer { kind: b"message.sent" } => self.ack(text, now),
            Frame::Answer { kind: b"error" } => self.refusal(text),
            _ => {}
        }
    }

    fn event(&mut self, seq: i64, message: bool, text: &[u8], now: u64) {
        if seq == self.last + 1 {
            self.last = seq;
        } else {
            self.stray(seq);
        }
        if !message {
            return;
        }
        self.deliveries += 1;
        self.timed += 1;
        if self.timed >= self.run.sample {
            self.timed = 0;
            if let Some(due) = scan::due(text).filter(|due| self.run.measured(*due)) {
                self.run.delivery.record(now.saturating_sub(due));
            }
        }
    }

    /// An event that is not the next one.
    fn stray(&mut self, seq: i64) {
        if seq > self.last {
            self.missing.extend((self.last + 1..seq).take(MISSING_CEILING));
            self.last = seq;
        } else if self.missing.remove(&seq) {
            self.seen.out_of_order.fetch_add(1, Relaxed);
        } else {
            self.seen.duplicated.fetch_add(1, Relaxed);
        }
        self.seen.missing.store(self.missing.len() as u64, Relaxed);
    }

    fn changes(&mut self, text: &[u8]) {
        if let (Some(from), Some(to)) = (scan::number(text, "from"), scan::number(text, "to"))
            && from <= self.last
        {
            self.run.caught_up.fetch_add(u64::try_from(to - self.last).unwrap_or_default(), Relaxed);
            self.last = self.last.max(to);
        }
    }

    fn ack(&mut self, text: &[u8], now: u64) {
        if let Some(due) = self.outstanding.pop_front()
            && self.run.measured(due)
        {
            self.run.ack.record(now.saturating_sub(due));
        }
        self.run.acks.fetch_add(1, Relaxed);
        if let (Some(seq), Ok(mut acked)) = (scan::number(text, "seq"), self.seen.acked.lock()) {
            acked.push(seq);
        }
    }

    fn refusal(&mut self, text: &[u8]) {
        self.outstanding.pop_front();
        self.refused = true;
        if self.run.refused.fetch_add(1, Relaxed) < 3 {
            self.run.complain(String::from_utf8_lossy(&text[..text.len().min(400)]).into_owned());
        }
    }

    /// Shows the conductor what a batch of frames changed.
    fn publish(&mut self) {
        self.run.deliveries.fetch_add(std::mem::take(&mut self.deliveries), Relaxed);
        self.seen.last.store(self.last, Relaxed);
        self.seen.outstanding.store(self.outstanding.len() as u64, Relaxed);
    }
}

/// Makes the frames of one sender's messages.
struct Voice {
    sender: usize,
    count: u64,
    frames: Vec<u8>,
    text: String,
}

impl Voice {
    fn say(&mut self, run: &Run, conversation: i64, due: u64) {
        self.count += 1;
        let (nonce, sender, count, padding) = (run.nonce, self.sender, self.count, run.text_bytes.saturating_sub(17));
        self.text.clear();
        let _ = write!(
            self.text,
            "{{\"id\":\"m\",\"type\":\"message.send\",\"data\":{{\"conversation\":{conversation},\
             \"client_id\":\"{nonce:08x}-{:04x}-4{:03x}-8000-{count:012x}\",\"text\":\"~{due:016}{:x<padding$}\"}}}}",
            sender & 0xffff,
            (sender >> 16) & 0xfff,
            "",
        );
        socket::frame(&mut self.frames, self.text.as_bytes());
        run.sent.fetch_add(1, Relaxed);
    }
}

/// One connection: reads, counts, and sends if it is a sender's.
struct Sitter {
    socket: Socket,
    tally: Tally,
    voice: Voice,
    pace: Option<Pace>,
}

impl Sitter {
    async fn sit(mut self) {
        let done = match self.pace {
            None => self.listen().await,
            Some(Pace::Closed) => self.talk().await,
            Some(Pace::Open { every, first }) => self.lecture(every, first).await,
        };
        self.tally.run.closed.fetch_add(1, Relaxed);
        let reason = done.unwrap_or_else(|error| error.to_string());
        self.tally.run.complain(format!("a connection ended: {reason}"));
        self.tally.publish();
    }

    /// Reads what there is; the reason if the connection ended.
    async fn read(&mut self) -> Result<Option<String>> {
        let (tally, mut now) = (&mut self.tally, None);
        let read = self
            .socket
            .read(|text| {
                let now = *now.get_or_insert_with(|| tally.run.now());
                tally.take(text, now);
            })
            .await?;
        tally.publish();
        Ok(match read {
            Read::Some => None,
            Read::Closed(reason) => Some(reason),
        })
    }

    async fn flush(&mut self) -> Result<()> {
        self.tally.seen.outstanding.store(self.tally.outstanding.len() as u64, Relaxed);
        self.socket.send(&self.voice.frames).await?;
        self.voice.frames.clear();
        Ok(())
    }

    fn say(&mut self, due: u64) {
        self.tally.outstanding.push_back(due);
        self.voice.say(&self.tally.run, self.tally.conversation, due);
    }

    async fn listen(&mut self) -> Result<String> {
        loop {
            if let Some(reason) = self.read().await? {
                return Ok(reason);
            }
        }
    }

    async fn talk(&mut self) -> Result<String> {
        loop {
            if std::mem::take(&mut self.tally.refused) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if self.tally.outstanding.is_empty() && !self.tally.run.stop.load(Relaxed) {
                self.say(self.tally.run.now());
                self.flush().await?;
            }
            if let Some(reason) = self.read().await? {
                return Ok(reason);
            }
        }
    }

    async fn lecture(&mut self, every: Duration, first: Duration) -> Result<String> {
        let (begin, mut due) = (tokio::time::Instant::from_std(self.tally.run.begin), first);
        loop {
            if self.tally.run.stop.load(Relaxed) {
                return self.listen().await;
            }
            tokio::select! {
                read = self.read() => if let Some(reason) = read? {
                    return Ok(reason);
                },
                () = tokio::time::sleep_until(begin + due) => {
                    while due <= self.tally.run.begin.elapsed() {
                        self.say(micros(due));
                        due += every;
                    }
                    self.flush().await?;
                }
            }
        }
    }
}

/// Everybody is seated, the senders talk for the warm-up and the measured time, and the books are compared.
///
/// # Errors
/// If somebody cannot be seated, or the server's process is not there.
pub async fn run(common: &Common, host: &Host, seats: Vec<Seat>, mut report: Report) -> Result<Report> {
    report.connections = seats.len();
    report.remember("before", usage(&common.server_pid)?);
    let connecting = Instant::now();
    let entering = host.clone();
    let entered = together(seats, SETUP, move |seat| {
        let host = entering.clone();
        async move {
            let (socket, welcome) = host.enter(&seat.person).await?;
            let last = welcome.heads.get(&seat.conversation).copied();
            let last = last.with_context(|| format!("{} is not a member of their conversation", seat.person.name))?;
            Ok((seat, socket, last))
        }
    })
    .await?;
    report.connects_per_second = Some(entered.len() as f64 / connecting.elapsed().as_secs_f64());
    report.remember("connected", usage(&common.server_pid)?);

    let run = Arc::new(new_run(common, entered.len()));
    let (mut tasks, mut seen, mut places) = (JoinSet::new(), Vec::new(), Vec::new());
    for (sender, (seat, socket, last)) in entered.into_iter().enumerate() {
        let books = Arc::new(Seen { last: AtomicI64::new(last), ..Seen::default() });
        seen.push(Arc::clone(&books));
        places.push(seat.conversation);
        let tally = Tally {
            run: Arc::clone(&run),
            seen: books,
            conversation: seat.conversation,
            last,
            missing: HashSet::new(),
            deliveries: 0,
            timed: 0,
            outstanding: VecDeque::new(),
            refused: false,
        };
        let voice = Voice { sender, count: 0, frames: Vec::new(), text: String::new() };
        tasks.spawn(Sitter { socket, tally, voice, pace: seat.pace }.sit());
    }
    measure(common, &run, &mut report).await?;
    run.stop.store(true, Relaxed);
    settle(Duration::from_secs(common.settle), &seen, &places).await;
    report.remember("after", usage(&common.server_pid)?);
    tasks.abort_all();
    // The sums are taken when nobody writes any more.
    while tasks.join_next().await.is_some() {}
    judge(&run, &seen, &places, &mut report);
    Ok(report)
}

fn new_run(common: &Common, connections: usize) -> Run {
    let warm_up = Duration::from_secs(common.warm_up);
    let window = (micros(warm_up), micros(warm_up + Duration::from_secs(common.seconds)));
    Run {
        begin: Instant::now(),
        window,
        stop: AtomicBool::new(false),
        text_bytes: common.text_bytes,
        nonce: nonce(),
        sample: common.sample.unwrap_or(if connections > 200 { 8 } else { 1 }).max(1),
        sent: AtomicU64::new(0),
        acks: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        deliveries: AtomicU64::new(0),
        caught_up: AtomicU64::new(0),
        closed: AtomicU64::new(0),
        ack: Histogram::default(),
        delivery: Histogram::default(),
        complaints: Mutex::new(Vec::new()),
    }
}

/// Tells this run's client ids from those of all others.
#[must_use]
pub fn nonce() -> u32 {
    let mut bytes = [0; 4];
    // Should the system have no randomness, the process id and the clock still differ from run to run.
    if getrandom::fill(&mut bytes).is_err() {
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes = (clock.subsec_nanos() ^ std::process::id().rotate_left(16)).to_be_bytes();
    }
    u32::from_be_bytes(bytes)
}

/// Lets the warm-up and the measured part pass.
async fn measure(common: &Common, run: &Run, report: &mut Report) -> Result<()> {
    let at = |micros| tokio::time::Instant::from_std(run.begin + Duration::from_micros(micros));
    let counts = || (Instant::now(), run.acks.load(Relaxed), run.deliveries.load(Relaxed));
    tokio::time::sleep_until(at(run.window.0)).await;
    let (before, (start, acks_before, deliveries_before)) = (usage(&common.server_pid)?, counts());
    tokio::time::sleep_until(at(run.window.1)).await;
    let (after, (end, acks, deliveries)) = (usage(&common.server_pid)?, counts());
    report.seconds = (end - start).as_secs_f64();
    let deliveries = (deliveries - deliveries_before) as f64;
    report.acked_per_second = Some((acks - acks_before) as f64 / report.seconds);
    report.deliveries_per_second = Some(deliveries / report.seconds);
    report.server_cpu_seconds = before.zip(after).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.deliveries_per_cpu_second = report.server_cpu_seconds.map(|cpu| deliveries / cpu.max(0.01));
    Ok(())
}

/// Waits until every send is answered and everybody has heard the last acknowledged one.
async fn settle(limit: Duration, seen: &[Arc<Seen>], places: &[i64]) {
    let begin = Instant::now();
    while begin.elapsed() < limit {
        let heads = heads(seen, places);
        let quiet = seen.iter().zip(places).all(|(seen, place)| {
            seen.outstanding.load(Relaxed) == 0
                && seen.last.load(Relaxed) >= heads.get(place).copied().unwrap_or_default()
        });
        if quiet {
            // One more moment for what should not come: a late duplicate.
            tokio::time::sleep(Duration::from_millis(200)).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The last number of each conversation that is known to be stored.
fn heads(seen: &[Arc<Seen>], places: &[i64]) -> HashMap<i64, i64> {
    let mut heads: HashMap<i64, i64> = HashMap::new();
    for (seen, place) in seen.iter().zip(places) {
        let acked = seen.acked.lock().ok().and_then(|acked| acked.last().copied()).unwrap_or_default();
        let head = heads.entry(*place).or_default();
        *head = acked.max(seen.last.load(Relaxed)).max(*head);
    }
    heads
}

fn judge(run: &Run, seen: &[Arc<Seen>], places: &[i64], report: &mut Report) {
    let heads = heads(seen, places);
    let mut acked: HashMap<i64, Vec<i64>> = HashMap::new();
    for (seen, place) in seen.iter().zip(places) {
        let head = heads.get(place).copied().unwrap_or_default();
        let behind = u64::try_from(head - seen.last.load(Relaxed)).unwrap_or_default();
        report.lost += seen.missing.load(Relaxed) + behind;
        report.duplicated += seen.duplicated.load(Relaxed);
        report.out_of_order += seen.out_of_order.load(Relaxed);
        report.unanswered += seen.outstanding.load(Relaxed);
        if let Ok(own) = seen.acked.lock() {
            acked.entry(*place).or_default().extend(own.iter());
        }
    }
    for seqs in acked.values_mut() {
        let all = seqs.len();
        seqs.sort_unstable();
        seqs.dedup();
        report.duplicated += (all - seqs.len()) as u64;
    }
    report.sent = run.sent.load(Relaxed);
    report.acks = run.acks.load(Relaxed);
    report.refused = run.refused.load(Relaxed);
    report.deliveries = run.deliveries.load(Relaxed);
    report.caught_up = run.caught_up.load(Relaxed);
    report.closed = run.closed.load(Relaxed);
    report.ack = run.ack.percentiles();
    report.delivery = run.delivery.percentiles();
    if let Ok(complaints) = run.complaints.lock() {
        report.complaints.extend(complaints.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common() -> Common {
        Common { sample: Some(1), warm_up: 0, ..Common::default() }
    }

    fn tally(last: i64) -> Tally {
        let seen = Arc::new(Seen { last: AtomicI64::new(last), ..Seen::default() });
        Tally {
            run: Arc::new(new_run(&common(), 1)),
            seen,
            conversation: 7,
            last,
            missing: HashSet::new(),
            deliveries: 0,
            timed: 0,
            outstanding: VecDeque::new(),
            refused: false,
        }
    }

    fn hear(tally: &mut Tally, seqs: &[i64]) {
        for seq in seqs {
            let text = format!(r#"{{"type":"message.created","conversation":7,"seq":{seq},"data":{{"text":"~1x"}}}}"#);
            tally.take(text.as_bytes(), 5);
        }
        tally.publish();
    }

    fn judged(tally: &Tally) -> Report {
        let mut report = Report::default();
        judge(&tally.run, &[Arc::clone(&tally.seen)], &[7], &mut report);
        report
    }

    #[test]
    fn what_a_receiver_gets_is_counted() {
        let mut fine = tally(4);
        hear(&mut fine, &[5, 6, 7]);
        assert!(judged(&fine).clean());
        assert_eq!(judged(&fine).deliveries, 3);

        let mut gap = tally(4);
        hear(&mut gap, &[5, 8]);
        assert_eq!(judged(&gap).lost, 2);

        let mut late = tally(4);
        hear(&mut late, &[5, 7, 6]);
        assert_eq!((judged(&late).lost, judged(&late).out_of_order), (0, 1));

        let mut twice = tally(4);
        hear(&mut twice, &[5, 5]);
        assert_eq!(judged(&twice).duplicated, 1);
    }

    #[test]
    fn an_acknowledged_message_that_nobody_hears_is_lost() {
        let mut tally = tally(4);
        tally.outstanding.push_back(1);
        tally.take(br#"{"re":"m","type":"message.sent","data":{"conversation":7,"seq":5}}"#, 3);
        tally.publish();
        assert_eq!((judged(&tally).lost, judged(&tally).acks, judged(&tally).unanswered), (1, 1, 0));
    }

    #[test]
    fn messages_have_the_size_and_a_due_time() {
        let run = new_run(&common(), 1);
        let mut voice = Voice { sender: 3, count: 0, frames: Vec::new(), text: String::new() };
        voice.say(&run, 12, 345);
        let value: serde_json::Value = serde_json::from_str(&voice.text).unwrap();
        assert_eq!(value["data"]["text"].as_str().unwrap().len(), run.text_bytes);
        assert_eq!(value["data"]["client_id"].as_str().unwrap().len(), 36);
        assert_eq!(scan::due(voice.text.as_bytes()), Some(345));
    }
}
