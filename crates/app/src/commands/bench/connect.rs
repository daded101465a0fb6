//! Somebody comes back as a client does: from where they were, with all that a client reads then.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{
    Common,
    crew::{Host, Person},
    histogram::Histogram,
    list::{ListLoad, prepare, read},
    report::Report,
    server::usage,
    socket::Socket,
};

/// Bytes of the cursors that are said: what there is room for in a frame of the server's default size, as clients do it.
/// Of conversations without a cursor a client sees by their heads whether it has missed anything.
const CURSORS: usize = 60_000;

/// Where a client is when its line breaks.
#[derive(Default)]
struct Position {
    epoch: Value,
    account: Value,
    cursors: HashMap<String, Value>,
}

/// Comes back in a closed loop.
///
/// # Errors
/// If less is unread than wanted, or the server refuses.
pub async fn run(common: &Common, host: &Host, load: ListLoad) -> Result<Report> {
    let people = host.people("list", 5)?;
    let (Some(reader), Some(writers)) = (people.first(), people.get(1..)) else { bail!("there are no people") };
    prepare(common, host, reader, writers, &load).await?;
    let ListLoad { conversations, unread_in, unread, .. } = load;
    let work = format!(
        "coming back to {conversations} conversations, {unread} unread in {unread_in}, and reading what a client reads"
    );
    let mut report = Report::new(work, &common.setting);
    report.connections = 1;
    let mut position = Position::default();
    round(host, reader, &load, &mut position).await?;
    let (times, mut rounds) = (Histogram::default(), 0_u64);
    let begin = Instant::now();
    let before = usage(&common.server_pid)?;
    while begin.elapsed() < Duration::from_secs(common.seconds) {
        let since = Instant::now();
        round(host, reader, &load, &mut position).await?;
        times.record(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX));
        rounds += 1;
    }
    let after = usage(&common.server_pid)?;
    report.seconds = begin.elapsed().as_secs_f64();
    report.requests_per_second = Some(rounds as f64 / report.seconds);
    report.server_cpu_seconds = before.zip(after).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.requests_per_cpu_second = report.server_cpu_seconds.map(|cpu| rounds as f64 / cpu.max(0.01));
    report.request = times.percentiles();
    report.remember("after", after);
    Ok(report)
}

async fn round(host: &Host, reader: &Person, load: &ListLoad, position: &mut Position) -> Result<()> {
    let mut socket = host.open().await?;
    enter(&mut socket, reader, position).await?;
    let (count, unread_in) = read(&mut socket, load.page).await?;
    for (command, data) in [
        ("user_group.list", json!({})),
        ("draft.list", json!({})),
        ("thread.list", json!({"limit": 200})),
        ("notifications.get", json!({})),
        ("inbox.list", json!({"threads": true})),
    ] {
        socket.call(command, &data).await?;
    }
    socket.cut();
    if count < load.conversations || unread_in < load.unread_in {
        bail!("the list has {count} conversations, {unread_in} of them with something unread");
    }
    Ok(())
}

/// Authenticates with the cursors of the time before.
async fn enter(socket: &mut Socket, reader: &Person, position: &mut Position) -> Result<()> {
    let Position { epoch, account, cursors } = position;
    let back =
        json!({"token": reader.token, "epoch": epoch, "account_seq": account, "cursors": cursors, "feature_level": 8});
    let told = socket.call("authenticate", &back).await?;
    let listed = told["conversations"].as_array().context("the server did not tell the conversations")?;
    let mut bytes = 0;
    let cursors = listed.iter().map(|one| (one["id"].to_string(), one["head"].clone()));
    let cursors = cursors.take_while(|(id, head)| {
        bytes += id.len() + head.to_string().len() + 4;
        bytes <= CURSORS
    });
    let cursors = cursors.collect();
    *position = Position { epoch: told["epoch"].clone(), account: told["account_seq"].clone(), cursors };
    Ok(())
}
