//! Everybody in a room loses the connection at once, and comes back for what was said meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    Common,
    crew::{Host, Person, SETUP, together},
    histogram::Histogram,
    load::nonce,
    report::Report,
    scan::{self, Frame},
    server::usage,
    socket::{self, Read, Socket},
};

/// How often one tries to come back before giving up.
const TRIES: u32 = 50;

/// Connects everybody, cuts them off, talks, lets them come back.
///
/// # Errors
/// If the room cannot be filled, or somebody does not come back at all.
pub async fn run(common: &Common, host: &Host, count: usize, messages: usize, width: usize) -> Result<Report> {
    let work = format!("{count} clients of one room cut off at once, {messages} messages meanwhile, all come back");
    let mut report = Report::new(work, &common.setting);
    let people = host.people("storm", count)?;
    let speaker = host.person("storm", count)?;
    let room = host.room(&speaker, &format!("bench-storm-{count}")).await?;
    let all = people.iter().chain([&speaker]).map(|person| (person.clone(), room)).collect();
    host.join(all).await?;

    let (entering, connecting) = (host.clone(), Instant::now());
    let entered = together(people.clone(), SETUP, move |person| {
        let host = entering.clone();
        async move {
            let (socket, welcome) = host.enter(&person).await?;
            let cursor = welcome.heads.get(&room).copied().context("a member is not a member")?;
            Ok((socket, cursor))
        }
    })
    .await?;
    report.connections = entered.len();
    report.connects_per_second = Some(entered.len() as f64 / connecting.elapsed().as_secs_f64());
    report.remember("connected", usage(&common.server_pid)?);
    let (mut voice, _) = host.enter(&speaker).await?;

    let cursors: Vec<i64> = entered
        .into_iter()
        .map(|(socket, cursor)| {
            socket.cut();
            cursor
        })
        .collect();
    let target = talk(&mut voice, room, messages).await?;
    report.sent = messages as u64;
    report.acks = messages as u64;

    let storm = Arc::new(Storm {
        host: host.clone(),
        room,
        target,
        messages: messages as u64,
        begin: Instant::now(),
        gate: Semaphore::new(width),
        failed: AtomicU64::new(0),
        wrong: AtomicU64::new(0),
        times: Histogram::default(),
    });
    let before = usage(&common.server_pid)?;
    let mut tasks = JoinSet::new();
    for (person, cursor) in people.into_iter().zip(cursors) {
        tasks.spawn(come_back(Arc::clone(&storm), person, cursor));
    }
    let mut back = Vec::new();
    while let Some(done) = tasks.join_next().await {
        back.push(done??);
    }
    report.seconds = storm.begin.elapsed().as_secs_f64();
    let after = usage(&common.server_pid)?;
    report.server_cpu_seconds = before.zip(after).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.remember("all back", after);
    report.catch_up = storm.times.percentiles();
    report.deliveries = (back.len() * messages) as u64;
    report.caught_up = report.deliveries;
    report.failed_connects = storm.failed.load(Relaxed);
    report.lost = storm.wrong.load(Relaxed);
    back.into_iter().for_each(Socket::cut);
    Ok(report)
}

/// Sends all messages at once and returns the number of the last one.
async fn talk(socket: &mut Socket, room: i64, messages: usize) -> Result<i64> {
    let (nonce, mut frames, mut acks, mut last) = (nonce(), Vec::new(), 0, 0);
    for count in 0..messages {
        let client_id = format!("{nonce:08x}-0000-4ffe-8000-{count:012x}");
        let data =
            json!({"conversation": room, "client_id": client_id, "text": format!("~{count:016} while you were out")});
        let command = json!({"id": "s", "type": "message.send", "data": data}).to_string();
        socket::frame(&mut frames, command.as_bytes());
    }
    socket.send(&frames).await?;
    while acks < messages {
        let mut refusal = None;
        let read = socket
            .read(|text| match scan::frame(text) {
                Frame::Answer { kind: b"message.sent" } => {
                    acks += 1;
                    last = scan::number(text, "seq").unwrap_or(last);
                }
                Frame::Answer { .. } => refusal = Some(String::from_utf8_lossy(text).into_owned()),
                _ => {}
            })
            .await?;
        if let Some(refusal) = refusal {
            bail!("a message was refused: {refusal}");
        }
        if let Read::Closed(reason) = read {
            bail!("the speaker's connection ended: {reason}");
        }
    }
    Ok(last)
}

struct Storm {
    host: Host,
    room: i64,
    target: i64,
    messages: u64,
    begin: Instant,
    gate: Semaphore,
    failed: AtomicU64,
    wrong: AtomicU64,
    times: Histogram,
}

async fn come_back(storm: Arc<Storm>, person: Person, cursor: i64) -> Result<Socket> {
    let _permit = storm.gate.acquire().await?;
    let mut tries = 0;
    loop {
        match tokio::time::timeout(Duration::from_secs(30), catch_up(&storm, &person, cursor)).await {
            Ok(Ok((socket, heard))) => {
                storm.times.record(u64::try_from(storm.begin.elapsed().as_micros()).unwrap_or(u64::MAX));
                if heard != storm.messages {
                    storm.wrong.fetch_add(heard.abs_diff(storm.messages), Relaxed);
                }
                return Ok(socket);
            }
            Ok(Err(error)) if tries + 1 >= TRIES => return Err(error),
            Err(_) if tries + 1 >= TRIES => bail!("{} did not come back", person.name),
            _ => {
                tries += 1;
                storm.failed.fetch_add(1, Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Connects with the cursor and reads until the last message; returns how many messages were told.
async fn catch_up(storm: &Storm, person: &Person, cursor: i64) -> Result<(Socket, u64)> {
    let mut socket = storm.host.open().await?;
    let data = json!({"token": person.token, "cursors": {storm.room.to_string(): cursor}});
    let command = json!({"id": "a", "type": "authenticate", "data": data}).to_string();
    let mut frames = Vec::new();
    socket::frame(&mut frames, command.as_bytes());
    socket.send(&frames).await?;
    let (mut at, mut heard, mut refusal) = (cursor, 0, None);
    while at < storm.target {
        let read = socket
            .read(|text| match scan::frame(text) {
                Frame::Event { kind: b"conversation.changes", conversation, .. } if conversation == storm.room => {
                    heard += scan::messages(text);
                    at = at.max(scan::number(text, "to").unwrap_or(at));
                }
                Frame::Event { conversation, seq: Some(seq), .. } if conversation == storm.room && seq == at + 1 => {
                    heard += scan::messages(text);
                    at = seq;
                }
                Frame::Answer { kind: b"error" } => refusal = Some(String::from_utf8_lossy(text).into_owned()),
                _ => {}
            })
            .await?;
        if let Some(refusal) = refusal {
            bail!("coming back was refused: {refusal}");
        }
        if let Read::Closed(reason) = read {
            bail!("the connection ended while catching up: {reason}");
        }
    }
    Ok((socket, heard))
}
