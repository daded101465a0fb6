//! All people of an office, behind one address, reconnect at the same moment: they must not be treated as hostile.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use super::{
    Verdict,
    others::{Member, Others},
};

/// The office's address.
const OFFICE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
/// The number of people.
const PEOPLE: usize = 250;
/// The time within which all must have reconnected.
const BACK: Duration = Duration::from_secs(6);
/// The pause before somebody who was refused tries again: that of real clients at first.
const AGAIN: Duration = Duration::from_millis(250);

/// All connect at once, and try again until they are connected.
pub fn comes_back(others: &Others, during: &str, verdict: &mut Verdict) {
    let gate = Arc::new(Barrier::new(PEOPLE + 1));
    let people: Vec<_> = (0..PEOPLE)
        .map(|_| {
            let (gate, server, token) = (gate.clone(), others.server(), others.token().to_owned());
            thread::spawn(move || {
                gate.wait();
                let began = Instant::now();
                while began.elapsed() < 2 * BACK {
                    if let Ok(member) = Member::comes_from(OFFICE, server, &token) {
                        return Some((began.elapsed(), member));
                    }
                    thread::sleep(AGAIN);
                }
                None
            })
        })
        .collect();
    gate.wait();
    let back: Vec<_> = people.into_iter().filter_map(|person| person.join().ok().flatten()).collect();
    let last = back.iter().map(|(time, _)| *time).max().unwrap_or_default();
    println!("{during}: {} of {PEOPLE} people of one office are back, the last after {last:.1?}", back.len());
    verdict.judge(back.len() == PEOPLE, format!("{during}: everybody of an office comes back"));
    verdict.judge(last < BACK, format!("{during}: the last of an office is back within {BACK:?}: {last:.1?}"));
}
