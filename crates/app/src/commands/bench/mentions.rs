//! Measures the cost of naming people: sends that name some, and plain ones of the same length, in turns.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    Common,
    crew::{Host, Person, SETUP, together},
    report::{Bound, Report},
    server::usage,
    socket::{Read, Socket},
};

/// How many times a plain send one may cost that names people.
const TIMES: f64 = 2.0;

/// Who sits in the room, and who is named.
#[derive(Clone, Copy, Debug)]
pub struct MentionsLoad {
    /// Members of the room.
    pub members: usize,
    /// How many of them a message names.
    pub named: usize,
    /// How many of them send, each the next message when the last one was answered.
    pub senders: usize,
    /// How many of them are connected and hear it all.
    pub listeners: usize,
    /// How often each kind has its turn.
    pub turns: usize,
}

/// The cost of one kind of message.
#[derive(Default)]
struct Side {
    sends: u64,
    seconds: f64,
    cpu: Option<f64>,
}

impl Side {
    /// Microseconds of processor time for each send.
    fn cost(&self) -> Option<f64> {
        Some(self.cpu? * 1e6 / self.sends.max(1) as f64)
    }

    /// Microseconds from each send to the next.
    fn pace(&self) -> f64 {
        self.seconds * 1e6 / self.sends.max(1) as f64
    }
}

/// Both kinds have their turns, and what they cost is compared.
///
/// # Errors
/// If a message does not name whom it should, or the server refuses.
pub async fn run(common: &Common, host: &Host, load: MentionsLoad) -> Result<Report> {
    let MentionsLoad { members, named, senders, listeners, turns } = load;
    if named + senders > members || listeners > members {
        bail!("of {members} members not {named} can be named by {senders} others, and {listeners} listen");
    }
    let people = host.people("mentions", members)?;
    let room = host.room(people.first().context("there are no people")?, &format!("bench-mentions-{members}")).await?;
    host.join(people.iter().map(|person| (person.clone(), room)).collect()).await?;
    let listening = listen(host, people.iter().take(listeners).cloned().collect()).await?;
    let entering = host.clone();
    let mut crew = together(people.iter().take(senders).cloned().collect(), SETUP, move |person: Person| {
        let host = entering.clone();
        async move { Ok(host.enter(&person).await?.0) }
    })
    .await?;
    let texts = [text(&people, named, "+"), text(&people, named, "@")];
    for (text, wanted) in texts.iter().zip([0, named]) {
        check(&mut crew, room, text, wanted).await?;
    }
    let work = format!(
        "a room of {members}, {listeners} of them listening; {senders} send what names {named}, and plain messages as long"
    );
    let mut report = Report::new(work, &common.setting);
    report.connections = senders + listeners;
    let [mut plain, mut naming] = [Side::default(), Side::default()];
    for turn in 0..2 * turns {
        let (side, text) = if turn % 2 == 0 { (&mut plain, &texts[0]) } else { (&mut naming, &texts[1]) };
        crew = talk(common, crew, room, text, side).await?;
    }
    crew.into_iter().for_each(Socket::cut);
    drop(listening);
    tell(&mut report, &plain, &naming);
    Ok(report)
}

/// The same people by name, behind a sign that names them or one that does not.
fn text(people: &[Person], named: usize, sign: &str) -> String {
    let names = people.iter().rev().take(named).map(|person| format!("{sign}{}", person.name));
    names.collect::<Vec<_>>().join(" ")
}

/// Members who are connected and read what they are told, until this is dropped.
async fn listen(host: &Host, people: Vec<Person>) -> Result<JoinSet<()>> {
    let entering = host.clone();
    let sockets = together(people, SETUP, move |person: Person| {
        let host = entering.clone();
        async move { Ok(host.enter(&person).await?.0) }
    })
    .await?;
    let mut listening = JoinSet::new();
    for mut socket in sockets {
        listening.spawn(async move { while matches!(socket.read(|_| {}).await, Ok(Read::Some)) {} });
    }
    Ok(listening)
}

/// Whether a message names so many people.
async fn check(crew: &mut [Socket], room: i64, text: &str, wanted: usize) -> Result<()> {
    let Some(socket) = crew.first_mut() else { return Ok(()) };
    socket.call("message.send", &json!({"conversation": room, "text": text})).await?;
    let told = socket.call("message.history", &json!({"conversation": room, "limit": 1})).await?;
    let people = told["messages"][0]["mentions"]["people"].as_array().map_or(0, Vec::len);
    if people != wanted {
        bail!("a message names {people} people, not {wanted}: {text}");
    }
    Ok(())
}

/// One turn of one kind.
async fn talk(common: &Common, crew: Vec<Socket>, room: i64, text: &str, side: &mut Side) -> Result<Vec<Socket>> {
    let before = usage(&common.server_pid)?;
    let begun = Instant::now();
    let end = begun + Duration::from_secs(common.seconds);
    let said = json!({"conversation": room, "text": text});
    let width = crew.len().max(1);
    let done = together(crew, width, move |mut socket: Socket| {
        let said = said.clone();
        async move {
            let mut sends = 0_u64;
            while Instant::now() < end {
                socket.call("message.send", &said).await?;
                sends += 1;
            }
            Ok((socket, sends))
        }
    })
    .await?;
    side.seconds += begun.elapsed().as_secs_f64();
    let cpu = before.zip(usage(&common.server_pid)?).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    side.cpu = cpu.map(|cpu| side.cpu.unwrap_or_default() + cpu);
    Ok(done
        .into_iter()
        .map(|(socket, sends)| {
            side.sends += sends;
            socket
        })
        .collect())
}

fn tell(report: &mut Report, plain: &Side, naming: &Side) {
    report.seconds = plain.seconds + naming.seconds;
    report.sent = plain.sends + naming.sends;
    report.acks = report.sent;
    report.acked_per_second = Some(report.sent as f64 / report.seconds.max(0.01));
    report.server_cpu_seconds = plain.cpu.zip(naming.cpu).map(|(plain, naming)| plain + naming);
    for (kind, side) in [("plain", plain), ("naming", naming)] {
        let cost = side.cost().map_or(String::new(), |cost| format!(", {cost:.0} µs of processor time each"));
        report.settings.push(format!("{kind}: {} sends, one each {:.0} µs{cost}", side.sends, side.pace()));
    }
    if let (Some(plain), Some(naming)) = (plain.cost(), naming.cost()) {
        let times = naming / plain.max(0.01);
        report.bounds.push(Bound::most("times the processor time of a plain send", times, TIMES));
    }
    let times = naming.pace() / plain.pace().max(0.01);
    report.bounds.push(Bound::most("times the duration of a plain send", times, TIMES));
}
