//! A square: very many people come into one room, and very many type there at once.
//!
//! The events that all are told of grow with the square of their number if each is told of each. So the question is
//! what the whole costs, and whether each of them knows in the end how many they are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    Common,
    crew::{Host, Person, SETUP, together},
    load::nonce,
    report::{Bound, Report},
    scan::{self, Frame},
    server::usage,
    socket::{self, Read, Socket},
};

/// Who tells the server this feature level is told of runs of joins as one.
const FEATURE_LEVEL: i64 = 7;
/// Those who type say so again after this time, long before it would end by itself.
const AGAIN: Duration = Duration::from_millis(500);
/// Joins of which the answer is awaited at the same time.
const JOINING: usize = 256;
/// Processor time, in seconds, that ten thousand joins may cost in all.
const JOINS_COST: f64 = 20.0;
/// Signals of typing that each may hear in a second.
const SIGNALS: f64 = 20.0;

/// The phase that everybody there is in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Wait,
    Join(i64),
    Type(i64),
    Leave,
}

/// The state that all of them share.
struct Square {
    phase: watch::Receiver<Phase>,
    joining: Semaphore,
    joined: AtomicU64,
    events: AtomicU64,
    refused: AtomicU64,
    begin: Instant,
}

/// The state of one of them for the conductor; only their own task writes it.
#[derive(Default)]
struct Seen {
    members: AtomicI64,
    /// The second, from the beginning, in which signals are being counted; how many there were; and the most in one.
    second: AtomicU64,
    signals: AtomicU64,
    most_signals: AtomicU64,
}

/// Lets everybody come into one room, and some of them type in another.
///
/// # Errors
/// If somebody is refused or put out.
pub async fn run(common: &Common, host: &Host, people: usize, typists: usize) -> Result<Report> {
    let work = format!("{people} people come into one room, then {typists} type at once");
    let mut report = Report::new(work, &common.setting);
    let crowd = host.people("square", people)?;
    let founder = host.person("square-founder", 0)?;
    let run = nonce();
    let square = host.room(&founder, &format!("bench-square-{run:08x}")).await?;
    let corner = host.room(&founder, &format!("bench-corner-{run:08x}")).await?;
    host.join(crowd.iter().take(typists).map(|person| (person.clone(), corner)).collect()).await?;

    let (says, phase) = watch::channel(Phase::Wait);
    let shared = Arc::new(Square {
        phase,
        joining: Semaphore::new(JOINING),
        joined: AtomicU64::new(0),
        events: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        begin: Instant::now(),
    });
    let sockets = enter(host, crowd).await?;
    report.connections = sockets.len();
    let (mut tasks, mut all) = (JoinSet::new(), Vec::new());
    for (index, socket) in sockets.into_iter().enumerate() {
        let seen = Arc::new(Seen::default());
        all.push(seen.clone());
        tasks.spawn(attend(shared.clone(), socket, seen, index < typists));
    }
    joins(common, &mut report, &shared, &says, (square, &all)).await?;
    if typists > 0 {
        types(common, &mut report, &says, (corner, &all)).await?;
    }
    let _all_gone = says.send(Phase::Leave);
    while let Some(done) = tasks.join_next().await {
        if let Err(error) = done? {
            report.closed += 1;
            report.complaints.truncate(9);
            report.complaints.push(format!("{error:#}"));
        }
    }
    report.refused = shared.refused.load(Relaxed);
    report.deliveries = shared.events.load(Relaxed);
    Ok(report)
}

async fn enter(host: &Host, crowd: Vec<Person>) -> Result<Vec<Socket>> {
    let entering = host.clone();
    together(crowd, SETUP, move |person| {
        let host = entering.clone();
        async move {
            let mut socket = host.open().await?;
            let data = json!({"token": person.token, "feature_level": FEATURE_LEVEL});
            socket.call("authenticate", &data).await?;
            Ok(socket)
        }
    })
    .await
}

/// Everybody comes in; ends when each knows how many they are, or when time is up.
async fn joins(
    common: &Common,
    report: &mut Report,
    square: &Square,
    says: &watch::Sender<Phase>,
    (room, all): (i64, &[Arc<Seen>]),
) -> Result<()> {
    // With the founder.
    let members = all.len() as i64 + 1;
    let (before, begin) = (usage(&common.server_pid)?, Instant::now());
    report.remember("before", before);
    says.send(Phase::Join(room)).context("nobody is there")?;
    let wrong = || all.iter().filter(|seen| seen.members.load(Relaxed) != members).count();
    let mut last_join = Instant::now();
    let mut joined = 0;
    while wrong() > 0 && last_join.elapsed() < Duration::from_secs(common.settle) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = square.joined.load(Relaxed);
        if now > joined {
            (joined, last_join) = (now, Instant::now());
        }
    }
    let after = usage(&common.server_pid)?;
    report.remember("all are there", after);
    report.seconds = begin.elapsed().as_secs_f64();
    report.requests_per_second = Some(joined as f64 / report.seconds);
    report.lost = wrong() as u64;
    if report.lost > 0 {
        report.complaints.push(format!("{} of {} do not know that they are {members}", report.lost, all.len()));
    }
    if let Some((before, after)) = before.zip(after) {
        let cost = after.cpu_seconds - before.cpu_seconds;
        report.server_cpu_seconds = Some(cost);
        let share = all.len() as f64 / 10_000.0;
        report.bounds.push(Bound::most("server CPU-seconds for all joins", cost, JOINS_COST * share.max(0.05)));
    }
    Ok(())
}

/// Some of them type for as long as is measured.
async fn types(
    common: &Common,
    report: &mut Report,
    says: &watch::Sender<Phase>,
    (room, all): (i64, &[Arc<Seen>]),
) -> Result<()> {
    let before = usage(&common.server_pid)?;
    says.send(Phase::Type(room)).context("nobody is there")?;
    tokio::time::sleep(Duration::from_secs(common.seconds)).await;
    let after = usage(&common.server_pid)?;
    let most = all.iter().map(|seen| seen.most_signals.load(Relaxed)).max().unwrap_or_default();
    report.bounds.push(Bound::most("signals of typing to one person in a second", most as f64, SIGNALS));
    if most == 0 {
        bail!("nobody heard anybody type");
    }
    if let Some((before, after)) = before.zip(after) {
        let share = (after.cpu_seconds - before.cpu_seconds) / common.seconds as f64 * 100.0;
        report.settings.push(format!("while they typed the server took {share:.0} % of a core"));
    }
    Ok(())
}

async fn attend(square: Arc<Square>, mut socket: Socket, seen: Arc<Seen>, types: bool) -> Result<()> {
    let mut phases = square.phase.clone();
    let mut phase = Phase::Wait;
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            read = socket.read(|text| hear(&square, &seen, phase, text)) => {
                if let Read::Closed(reason) = read? {
                    bail!("somebody was put out: {reason}");
                }
            }
            changed = phases.changed() => {
                changed.context("the conductor is gone")?;
                phase = *phases.borrow_and_update();
                match phase {
                    Phase::Join(room) => join(&square, &mut socket, &seen, room).await?,
                    Phase::Leave => {
                        socket.cut();
                        return Ok(());
                    }
                    Phase::Wait | Phase::Type(_) => {}
                }
            }
            _ = again.tick(), if types && matches!(phase, Phase::Type(_)) => {
                if let Phase::Type(room) = phase {
                    say(&mut socket, "typing.set", &json!({"conversation": room, "typing": true})).await?;
                }
            }
        }
    }
}

/// Comes in, and waits for the answer.
async fn join(square: &Square, socket: &mut Socket, seen: &Seen, room: i64) -> Result<()> {
    let _permit = square.joining.acquire().await?;
    say(socket, "conversation.join", &json!({"conversation": room})).await?;
    let mut answered = false;
    while !answered {
        let read = socket
            .read(|text| {
                answered |= matches!(scan::frame(text), Frame::Answer { .. });
                hear(square, seen, Phase::Join(room), text);
            })
            .await?;
        if let Read::Closed(reason) = read {
            bail!("somebody was put out while coming in: {reason}");
        }
    }
    square.joined.fetch_add(1, Relaxed);
    Ok(())
}

async fn say(socket: &mut Socket, command: &str, data: &serde_json::Value) -> Result<()> {
    let mut frames = Vec::new();
    let text = json!({"id": "s", "type": command, "data": data}).to_string();
    socket::frame(&mut frames, text.as_bytes());
    Ok(socket.send(&frames).await?)
}

/// Notes what is said of the room, and counts signals by the second.
fn hear(square: &Square, seen: &Seen, phase: Phase, text: &[u8]) {
    match (scan::frame(text), phase) {
        (Frame::Answer { kind: b"error" }, _) => drop(square.refused.fetch_add(1, Relaxed)),
        (Frame::Event { conversation, .. }, Phase::Join(room)) if conversation == room => {
            square.events.fetch_add(1, Relaxed);
            // Of several numbers in a frame each is called so; what comes later is truer.
            if let Some(count) = scan::number(text, "member_count") {
                seen.members.store(count, Relaxed);
            }
        }
        (Frame::Event { kind: b"typing.started" | b"typing.stopped", conversation, .. }, Phase::Type(room))
            if conversation == room =>
        {
            let second = square.begin.elapsed().as_secs();
            if seen.second.swap(second, Relaxed) != second {
                seen.signals.store(0, Relaxed);
            }
            let signals = seen.signals.fetch_add(1, Relaxed) + 1;
            seen.most_signals.fetch_max(signals, Relaxed);
        }
        _ => {}
    }
}
