//! Guesses passwords, many at a time, for many usernames.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Verdict,
    others::{ELSEWHERE, Others, PASSWORD, post},
    server::Server,
};

/// Guesses at a time.
const AT_ONCE: usize = 200;
/// How many further rounds of guesses follow.
const MORE: usize = 5;
/// How long a guess may wait for its answer; that harms only the guesser.
const GUESSER: Duration = Duration::from_secs(30);

/// Guesses, while somebody with the right password logs in from elsewhere.
pub fn guess(server: &Server, others: &Others, verdict: &mut Verdict) -> anyhow::Result<()> {
    let address = server.address();
    for round in 0..=MORE {
        let guessers: Vec<_> = (0..AT_ONCE).map(|at| thread::spawn(move || guess_once(address, round, at))).collect();
        thread::sleep(Duration::from_millis(50));
        let asked = Instant::now();
        let right = json!({"username": "member", "password": PASSWORD});
        let answer = post(address, ELSEWHERE, "/v1/sessions", &right, GUESSER)?;
        let (status, time) = (answer.status, asked.elapsed());
        println!(
            "{AT_ONCE} wrong passwords at once: the right one of somebody else is answered {status} in {time:.1?}"
        );
        verdict.judge(matches!(status, 200 | 201), format!("the right password is let in: {status}"));
        verdict.in_time("the right password", time);
        let let_in =
            guessers.into_iter().filter_map(|guesser| guesser.join().ok().flatten()).any(|status| status < 400);
        verdict.judge(!let_in, "nobody is let in with a wrong password");
        println!("memory: {} MiB", server.memory()?);
    }
    others.watch_for(Duration::from_secs(1), "after wrong passwords", verdict)
}

/// Makes one guess and returns the status.
fn guess_once(server: SocketAddr, round: usize, at: usize) -> Option<u16> {
    let wrong = json!({"username": format!("somebody{round}x{at}"), "password": "a wrong password"});
    post(server, IpAddr::V4(Ipv4Addr::LOCALHOST), "/v1/sessions", &wrong, GUESSER).ok().map(|answer| answer.status)
}
