//! Many connections that say nothing: what each costs, before and after a large frame.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::{
    Common,
    crew::{Host, SETUP, together},
    report::Report,
    server::usage,
    socket::{Read, Socket, find, frame},
};

/// Opens the connections, keeps them, and sends a large frame over each.
///
/// # Errors
/// If the server refuses a connection.
pub async fn run(common: &Common, host: &Host, count: usize, width: usize, large_bytes: usize) -> Result<Report> {
    let work = format!("{count} idle connections, {width} opened at a time, frames of {large_bytes} bytes");
    let mut report = Report::new(work, &common.setting);
    let people = host.people("idle", count)?;
    // The accounts are made before the connections are counted.
    host_knows(host, &people).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let (before, begin) = (usage(&common.server_pid)?, Instant::now());
    report.remember("before", before);
    let entering = host.clone();
    let sockets = together(people, width, move |person| {
        let host = entering.clone();
        async move { Ok(host.enter(&person).await?.0) }
    })
    .await?;
    let elapsed = begin.elapsed().as_secs_f64();
    report.connections = sockets.len();
    report.connects_per_second = Some(sockets.len() as f64 / elapsed);
    let opened = usage(&common.server_pid)?;
    report.server_cpu_seconds = before.zip(opened).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.seconds = elapsed;

    tokio::time::sleep(Duration::from_secs(common.seconds.min(10))).await;
    let idle = usage(&common.server_pid)?;
    report.remember("idle", idle);
    let each = |bytes: u64, from: u64| (bytes as f64 - from as f64) / count.max(1) as f64;
    if let Some((before, idle)) = before.zip(idle) {
        report.rss_per_connection = Some(each(idle.rss, before.rss));
        report.pss_per_connection = Some(each(idle.pss, before.pss));
        report.kernel_per_connection = Some(each(idle.slab, before.slab));
    }

    let sockets = together(sockets, SETUP, move |socket| large(socket, large_bytes)).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = usage(&common.server_pid)?;
    report.remember("after large frames", after);
    report.rss_per_connection_after_large_frames = before.zip(after).map(|(before, after)| each(after.rss, before.rss));
    sockets.into_iter().for_each(Socket::cut);
    Ok(report)
}

async fn host_knows(host: &Host, people: &[super::crew::Person]) -> Result<()> {
    let entering = host.clone();
    together(people.to_vec(), SETUP, move |person| {
        let host = entering.clone();
        async move {
            host.enter(&person).await?.0.cut();
            Ok(())
        }
    })
    .await
    .map(drop)
}

/// Sends a frame of the size and waits for its refusal: nobody may talk in conversation 0.
async fn large(mut socket: Socket, bytes: usize) -> Result<Socket> {
    let command = |text: &str| {
        json!({"id": "large", "type": "message.send", "data": {"conversation": 0, "text": text}}).to_string()
    };
    let padding = bytes.saturating_sub(command("").len());
    let mut frames = Vec::with_capacity(bytes + 16);
    frame(&mut frames, command(&"x".repeat(padding)).as_bytes());
    socket.send(&frames).await?;
    loop {
        let mut answered = false;
        let read = socket.read(|text| answered |= find(text, b"\"re\":").is_some()).await?;
        if answered {
            return Ok(socket);
        }
        if let Read::Closed(reason) = read {
            anyhow::bail!("a frame of {bytes} bytes ended the connection: {reason}");
        }
    }
}
