//! Somebody comes in and reads the whole list of their conversations, in some of which much is unread.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{
    Common,
    crew::{Host, Person},
    filling::{held_in, send_many},
    histogram::Histogram,
    history::sends,
    load::nonce,
    report::{Bound, Report},
    server::usage,
    socket::Socket,
};

/// The bound for coming in and reading the list of 200 conversations, in milliseconds of processor time.
const ROUND_MS: f64 = 10.0;

/// The contents of the list, and how it is read.
pub struct ListLoad {
    /// Conversations of the reader.
    pub conversations: usize,
    /// In how many of them something is unread.
    pub unread_in: usize,
    /// How many messages are unread in each of those.
    pub unread: i64,
    /// Whether to send what is missing of them.
    pub fill: bool,
    /// Conversations on a page.
    pub page: usize,
}

/// Comes in and reads the list in a closed loop.
///
/// # Errors
/// If less is unread than wanted, or the server refuses.
pub async fn run(common: &Common, host: &Host, load: ListLoad) -> Result<Report> {
    let people = host.people("list", 5)?;
    let (Some(reader), Some(writers)) = (people.first(), people.get(1..)) else { bail!("there are no people") };
    prepare(common, host, reader, writers, &load).await?;
    let ListLoad { conversations, unread_in, unread, page, .. } = load;
    let work = format!(
        "coming in and reading the list of {conversations} conversations by pages of {page}, {unread} unread in {unread_in}"
    );
    let mut report = Report::new(work, &common.setting);
    report.connections = 1;
    let (times, mut rounds) = (Histogram::default(), 0_u64);
    round(host, reader, &load).await?;
    let begin = Instant::now();
    let before = usage(&common.server_pid)?;
    while begin.elapsed() < Duration::from_secs(common.seconds) {
        let since = Instant::now();
        round(host, reader, &load).await?;
        times.record(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX));
        rounds += 1;
    }
    let after = usage(&common.server_pid)?;
    report.seconds = begin.elapsed().as_secs_f64();
    report.requests_per_second = Some(rounds as f64 / report.seconds);
    report.server_cpu_seconds = before.zip(after).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.requests_per_cpu_second = report.server_cpu_seconds.map(|cpu| rounds as f64 / cpu.max(0.01));
    if let Some(cpu) = report.server_cpu_seconds {
        let each = cpu * 1e3 / rounds.max(1) as f64;
        report.bounds.push(Bound::most("CPU-ms to come in and read the list", each, ROUND_MS));
    }
    report.request = times.percentiles();
    report.remember("after", after);
    Ok(report)
}

/// Brings the reader into their conversations, and sends what they have not read.
///
/// # Errors
/// If something is missing that was not to be sent, or the server refuses.
pub(super) async fn prepare(
    common: &Common,
    host: &Host,
    reader: &Person,
    writers: &[Person],
    load: &ListLoad,
) -> Result<()> {
    let Some(owner) = writers.first() else { bail!("there are no writers") };
    let rooms = host.rooms(owner, (0..load.conversations).map(|index| format!("bench-list-{index}"))).await?;
    host.join(rooms.iter().map(|room| (reader.clone(), *room)).collect()).await?;
    let unread = rooms.iter().take(load.unread_in);
    let seats = unread.clone().flat_map(|room| writers.iter().map(move |writer| (writer.clone(), *room)));
    host.join(seats.collect()).await?;
    for room in unread {
        // Beside the messages there are as many changes as people have come.
        let missing = load.unread + 10 - held_in(host, owner, &[*room]).await?;
        if missing > 0 && !load.fill {
            bail!("in a room {missing} messages are missing; send them with --fill");
        }
        if missing > 0 {
            let (room, nonce, bytes) = (*room, nonce(), common.text_bytes);
            send_many(host, writers, missing, move |index| sends(room, nonce, index, bytes)).await?;
        }
    }
    Ok(())
}

async fn round(host: &Host, reader: &Person, load: &ListLoad) -> Result<()> {
    let (mut socket, _) = host.enter(reader).await?;
    let (count, unread_in) = read(&mut socket, load.page).await?;
    socket.cut();
    if count < load.conversations || unread_in < load.unread_in {
        bail!("the list has {count} conversations, {unread_in} of them with something unread");
    }
    Ok(())
}

/// Reads the whole list: how many conversations there are, and in how many of them something is unread.
///
/// # Errors
/// If the server refuses.
pub(super) async fn read(socket: &mut Socket, page: usize) -> Result<(usize, usize)> {
    let (mut cursor, mut count, mut unread_in) = (Value::Null, 0, 0);
    loop {
        let told = socket.call("conversation.list", &json!({"limit": page, "cursor": cursor})).await?;
        let listed = told["conversations"].as_array().map(Vec::as_slice).unwrap_or_default();
        count += listed.len();
        unread_in += listed.iter().filter(|one| one["unread"].as_i64().is_some_and(|unread| unread > 0)).count();
        cursor = told["next_cursor"].clone();
        if cursor.is_null() {
            return Ok((count, unread_in));
        }
    }
}
