//! The works: who sits where, and who talks how.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{
    Common,
    crew::Host,
    load::{self, Pace, Seat},
    report::{Bound, Report},
    search::found_newest,
};

/// How many seconds followers may be behind at the end of a load with which they keep up.
const BEHIND: f64 = 2.0;

/// One room.
///
/// # Errors
/// If the server refuses a part of it.
pub async fn room(common: &Common, host: &Host, members: usize, senders: usize, rate: Option<f64>) -> Result<Report> {
    if senders > members || senders == 0 {
        bail!("of {members} members {senders} cannot send");
    }
    let people = host.people("room", members)?;
    let room = host.room(&people[0], &format!("bench-room-{members}")).await?;
    host.join(people.iter().map(|person| (person.clone(), room)).collect()).await?;
    let seat = |(index, person)| {
        let pace = (index < senders).then(|| pace(rate, index, senders));
        Seat { person, conversation: room, pace }
    };
    let seats = people.into_iter().enumerate().map(seat).collect();
    let manner = manner(rate);
    let work = format!("one room of {members}, {senders} senders, {manner}, {} bytes of text", common.text_bytes);
    load::run(common, host, seats, Report::new(work, &common.setting)).await
}

/// How the sender at this place sends, of all senders.
fn pace(rate: Option<f64>, index: usize, senders: usize) -> Pace {
    let Some(rate) = rate else { return Pace::Closed };
    let (every, step) = (senders as f64 / rate, 1.0 / rate);
    Pace::Open { every: Duration::from_secs_f64(every), first: Duration::from_secs_f64(step * index as f64) }
}

fn manner(rate: Option<f64>) -> String {
    rate.map_or("closed loop".to_owned(), |rate| format!("{rate} messages/s"))
}

/// Many rooms with one sender each.
///
/// # Errors
/// If the server refuses a part of it.
pub async fn rooms(common: &Common, host: &Host, rooms: usize, members: usize, rate: Option<f64>) -> Result<Report> {
    let people = host.people("rooms", rooms * members)?;
    let mut seats = Vec::new();
    for (index, group) in people.chunks(members).enumerate() {
        let conversation = host.room(&group[0], &format!("bench-rooms-{members}-{index}")).await?;
        let pace = |place| (place == 0).then(|| pace(rate, index, rooms));
        let seat =
            |(place, person): (usize, &_)| Seat { person: Clone::clone(person), conversation, pace: pace(place) };
        seats.extend(group.iter().enumerate().map(seat));
    }
    host.join(seats.iter().map(|seat| (seat.person.clone(), seat.conversation)).collect()).await?;
    let (manner, bytes) = (manner(rate), common.text_bytes);
    let work = format!("{rooms} rooms of {members}, one sender each, {manner}, {bytes} bytes of text");
    load::run(common, host, seats, Report::new(work, &common.setting)).await
}

/// How long after the end the followers of conversations have seen everything, those of the index first of all.
///
/// # Errors
/// If the server refuses to search.
pub async fn followed(host: &Host, report: &mut Report) -> Result<()> {
    let later = found_newest(host, &host.person("rooms", 0)?).await?;
    report.bounds.push(Bound::most("seconds until followers had seen what was said last", later.as_secs_f64(), BEHIND));
    Ok(())
}

/// Pairs in direct conversations: one sends, both listen.
///
/// # Errors
/// If the server refuses a part of it.
pub async fn pairs(common: &Common, host: &Host, pairs: usize) -> Result<Report> {
    let people = host.people("pairs", pairs * 2)?;
    let couples: Vec<_> = people.chunks(2).map(|couple| (couple[0].clone(), couple[1].clone())).collect();
    let directs = host.pairs(couples.clone()).await?;
    let seats = couples.into_iter().zip(directs).flat_map(|((one, other), conversation)| {
        [Seat { person: one, conversation, pace: Some(Pace::Closed) }, Seat { person: other, conversation, pace: None }]
    });
    let work = format!("{pairs} pairs, one sender each, closed loop, {} bytes of text", common.text_bytes);
    load::run(common, host, seats.collect(), Report::new(work, &common.setting)).await
}
