//! Everybody in many rooms loses the connection at once and comes back, several times: what that costs, and whether
//! memory falls back after it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{
    Common,
    crew::{Host, Person, SETUP, together},
    filling::{held_in, send_many},
    history::sends,
    load::nonce,
    report::{Bound, Report},
    server::{Usage, usage},
    socket::Socket,
};

/// Messages in each room, so that the newest page is a whole one.
const MESSAGES: i64 = 50;
/// How long memory may take to fall back.
const FALLS_BACK: Duration = Duration::from_secs(60);
/// How much more than before a storm may be held then.
const MORE: f64 = 1.2;
/// The bound for one who comes back, in microseconds of processor time: with a join and a page, and with a cursor.
const WITH_A_PAGE_US: f64 = 300.0;
const WITH_A_CURSOR_US: f64 = 100.0;
/// The bound for an idle connection, in bytes.
const IDLE_BYTES: f64 = 4_500.0;

/// How large the storms are.
#[derive(Clone, Copy, Debug)]
pub struct StormLoad {
    /// Clients.
    pub clients: usize,
    /// Rooms, over which they are spread.
    pub rooms: usize,
    /// How often all of them are cut off.
    pub storms: usize,
    /// How many come back at the same time.
    pub connecting: usize,
}

/// Somebody and their room.
#[derive(Clone)]
struct Resident {
    person: Person,
    room: i64,
}

/// How somebody comes back.
enum Return {
    /// Joins the room once more, and reads its newest page.
    WithAPage,
    /// With the number that each has seen last.
    WithACursor(Vec<i64>),
}

/// Lets everybody come back several times, then once more with a cursor, one after the other.
///
/// # Errors
/// If the rooms cannot be filled, or somebody cannot come back.
pub async fn run(common: &Common, host: &Host, load: StormLoad) -> Result<Report> {
    let StormLoad { clients, rooms, storms, connecting } = load;
    let work = format!("{storms} storms of {clients} clients in {rooms} rooms, {connecting} coming back at a time");
    let mut report = Report::new(work, &common.setting);
    report.connections = clients;
    let residents = settle_in(common, host, load).await?;
    // The pages that were read and written for that are in the server's caches now.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = usage(&common.server_pid)?;
    report.remember("before", before);
    let began = Instant::now();
    let mut held = Vec::new();
    for storm in 0..storms {
        let (start, sockets) = (usage(&common.server_pid)?, come_back(host, &residents, connecting, Return::WithAPage));
        let sockets = sockets.await?;
        let back = usage(&common.server_pid)?;
        report.remember("all are back", back);
        if storm == 0 {
            cost(&mut report, "CPU-µs to come back with a join and a page", (start, back), clients, WITH_A_PAGE_US);
            idle(common, &mut report, before, clients).await?;
        }
        sockets.into_iter().for_each(Socket::cut);
        if let Some(before) = before {
            held.push(fallen(common, &mut report, before).await?);
        }
    }
    // All of them have seen everything.
    let cursors = Return::WithACursor(heads(host, &residents).await?);
    let start = usage(&common.server_pid)?;
    let sockets = come_back(host, &residents, connecting, cursors).await?;
    let back = usage(&common.server_pid)?;
    cost(&mut report, "CPU-µs to come back with a cursor", (start, back), clients, WITH_A_CURSOR_US);
    sockets.into_iter().for_each(Socket::cut);
    report.seconds = began.elapsed().as_secs_f64();
    if let (Some(first), Some(last), Some(before)) = (held.first(), held.last(), before) {
        let share = |bytes: &u64| *bytes as f64 / before.rss as f64;
        report.bounds.push(Bound::most("memory after the first storm, of that before", share(first), MORE));
        report.bounds.push(Bound::most(
            "memory after the last storm, of that after the first",
            share(last) / share(first),
            1.05,
        ));
    }
    Ok(report)
}

/// Brings everybody into their room, and sends a page of messages there.
async fn settle_in(common: &Common, host: &Host, load: StormLoad) -> Result<Vec<Resident>> {
    let people = host.people("storms", load.clients)?;
    let writers = host.people("storms-writer", 4)?;
    let Some(owner) = writers.first() else { bail!("there are no writers") };
    let mut rooms = Vec::new();
    for index in 0..load.rooms {
        rooms.push(host.room(owner, &format!("bench-storms-{index}")).await?);
    }
    let missing = MESSAGES * rooms.len() as i64 - held_in(host, owner, &rooms).await?;
    if missing > 0 {
        send_many(host, &writers[..1], missing, |_| in_turn(&rooms, common.text_bytes)).await?;
    }
    let residents: Vec<Resident> =
        people.into_iter().zip(rooms.iter().cycle()).map(|(person, room)| Resident { person, room: *room }).collect();
    host.join(residents.iter().map(|one| (one.person.clone(), one.room)).collect()).await?;
    Ok(residents)
}

/// A message for one room after the other.
fn in_turn(rooms: &[i64], bytes: usize) -> impl FnMut(&mut Vec<u8>) + Send + use<> {
    let nonce = nonce();
    let mut turns: Vec<_> = rooms.iter().enumerate().map(|(index, room)| sends(*room, nonce, index, bytes)).collect();
    let mut turn = 0;
    move |frames| {
        let next = turn % turns.len().max(1);
        turns.get_mut(next).into_iter().for_each(|send| send(frames));
        turn += 1;
    }
}

async fn come_back(host: &Host, residents: &[Resident], width: usize, how: Return) -> Result<Vec<Socket>> {
    let (entering, people) = (host.clone(), residents.to_vec());
    let residents = people.into_iter().enumerate().collect();
    let heads = std::sync::Arc::new(match how {
        Return::WithAPage => None,
        Return::WithACursor(heads) => Some(heads),
    });
    together(residents, width, move |(place, Resident { person, room }): (usize, Resident)| {
        let (host, heads) = (entering.clone(), heads.clone());
        async move {
            let mut socket = host.open().await?;
            let head = heads.as_ref().as_ref().and_then(|heads| heads.get(place).copied());
            let cursors = head.map(|head| json!({room.to_string(): head})).unwrap_or_else(|| json!({}));
            socket.call("authenticate", &json!({"token": person.token, "cursors": cursors})).await?;
            if head.is_none() {
                socket.call("conversation.join", &json!({"conversation": room})).await?;
                let page = json!({"conversation": room, "limit": MESSAGES});
                let told = socket.call("message.history", &page).await?;
                told["messages"].as_array().filter(|messages| !messages.is_empty()).context("a page is empty")?;
            }
            Ok(socket)
        }
    })
    .await
}

/// Where each one's room stands.
async fn heads(host: &Host, residents: &[Resident]) -> Result<Vec<i64>> {
    let entering = host.clone();
    together(residents.to_vec(), SETUP, move |Resident { person, room }| {
        let host = entering.clone();
        async move {
            let (socket, welcome) = host.enter(&person).await?;
            socket.cut();
            welcome.heads.get(&room).copied().context("a member is not a member")
        }
    })
    .await
}

fn cost(
    report: &mut Report,
    what: &'static str,
    (before, after): (Option<Usage>, Option<Usage>),
    clients: usize,
    most: f64,
) {
    if let Some((before, after)) = before.zip(after) {
        let each = (after.cpu_seconds - before.cpu_seconds) * 1e6 / clients.max(1) as f64;
        report.bounds.push(Bound::most(what, each, most));
    }
}

/// Measures the cost of each connection once nothing happens any more.
async fn idle(common: &Common, report: &mut Report, before: Option<Usage>, clients: usize) -> Result<()> {
    tokio::time::sleep(Duration::from_secs(common.seconds.min(10))).await;
    let idle = usage(&common.server_pid)?;
    report.remember("idle", idle);
    if let Some((before, idle)) = before.zip(idle) {
        let each = (idle.rss as f64 - before.rss as f64) / clients.max(1) as f64;
        report.bounds.push(Bound::most(
            "bytes of memory for each idle connection, the storm's included",
            each,
            IDLE_BYTES,
        ));
    }
    Ok(())
}

/// Waits until memory has fallen back, a minute at most; how much is held then.
async fn fallen(common: &Common, report: &mut Report, before: Usage) -> Result<u64> {
    let gone = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(now) = usage(&common.server_pid)? else { bail!("the server's process is not known") };
        let is_back = now.rss as f64 <= before.rss as f64 * MORE;
        if is_back || gone.elapsed() >= FALLS_BACK {
            report.remember(if is_back { "fallen back" } else { "a minute after" }, Some(now));
            return Ok(now.rss);
        }
    }
}
