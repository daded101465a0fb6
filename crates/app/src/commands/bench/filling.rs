//! Rooms that must hold many messages before anything can be asked of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Instant,
};

use anyhow::{Result, bail};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    crew::{Host, Person},
    scan::{self, Frame},
    socket::Read,
};

/// People who fill rooms.
pub const FILLERS: usize = 4;
/// Sends that one filler has under way.
const WINDOW: usize = 512;

/// How many numbers these rooms have used.
///
/// # Errors
/// If the server refuses.
pub async fn held_in(host: &Host, person: &Person, rooms: &[i64]) -> Result<i64> {
    let (mut socket, _) = host.enter(person).await?;
    let mut held = 0;
    for room in rooms {
        let told = socket.call("message.history", &json!({"conversation": room, "limit": 1})).await?;
        held += told["head"].as_i64().unwrap_or_default();
    }
    socket.cut();
    Ok(held)
}

/// Sends so many messages as fast as the server takes them, however long it takes. Each filler, by its index, has frames
/// of its own: `frame` adds the next one to the bytes that are to be sent.
///
/// # Errors
/// If a message is refused, or a connection ends.
pub async fn send_many<F>(host: &Host, people: &[Person], count: i64, frames: impl Fn(usize) -> F) -> Result<()>
where
    F: FnMut(&mut Vec<u8>) + Send + 'static,
{
    eprintln!("sending {count} messages …");
    let (begin, left, mut fillers) = (Instant::now(), Arc::new(AtomicI64::new(count)), JoinSet::new());
    for (index, person) in people.iter().take(FILLERS).enumerate() {
        fillers.spawn(send_all(host.clone(), person.clone(), Arc::clone(&left), frames(index)));
    }
    while let Some(done) = fillers.join_next().await {
        done??;
    }
    let seconds = begin.elapsed().as_secs_f64();
    eprintln!("sent {count} messages in {seconds:.1} s: {:.0}/s", count as f64 / seconds);
    Ok(())
}

async fn send_all(
    host: Host,
    person: Person,
    left: Arc<AtomicI64>,
    mut frame: impl FnMut(&mut Vec<u8>) + Send,
) -> Result<()> {
    let (mut socket, _) = host.enter(&person).await?;
    let (mut under_way, mut frames, mut refusal) = (0_usize, Vec::new(), None);
    loop {
        while under_way < WINDOW && left.fetch_sub(1, Relaxed) > 0 {
            under_way += 1;
            frame(&mut frames);
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
