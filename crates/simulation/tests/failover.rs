//! Worlds in which the database comes back with less than it has acknowledged.
//!
//! `PALABRE_FAILOVERS=N` runs N of them.

use std::{path::PathBuf, time::Instant};

use simulation::{Failovers, Slip, go_back};

/// How many worlds a check runs.
const WORLDS: u64 = 60;
/// Every deliberate slip must be found within this number of worlds.
const ENOUGH: u64 = 40;

fn world(seed: u64, slip: Option<Slip>) -> Failovers {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = folder.join(format!("palabre-failover-{}-{seed}-{slip:?}", std::process::id()));
    go_back(&folder, seed, slip).unwrap_or_else(|error| panic!("seed {seed}: {error:#}"))
}

#[test]
fn a_database_that_has_lost_commits_is_noticed_and_no_client_keeps_lost_messages() {
    let count = std::env::var("PALABRE_FAILOVERS").ok().map_or(WORLDS, |text| text.parse().expect("a number"));
    let (begun, mut all) = (Instant::now(), Failovers::default());
    for seed in 1..=count {
        let outcome = world(seed, None);
        assert_eq!(outcome.broken, [""; 0], "seed {seed}");
        all.losses += outcome.losses;
        all.lost += outcome.lost;
        all.acks += outcome.acks;
    }
    println!("{count} worlds in {:.1} s: {all:?}", begun.elapsed().as_secs_f64());
    assert!(all.losses >= count / 2 && all.lost >= count && all.acks > 20 * count, "too little happened: {all:?}");
}

#[test]
fn every_deliberate_slip_is_found() {
    for slip in Slip::ALL {
        let found = (1..=ENOUGH).find_map(|seed| {
            let outcome = world(seed, Some(slip));
            outcome.broken.first().map(|first| (seed, first.clone()))
        });
        let (seed, what) = found.unwrap_or_else(|| panic!("{slip:?} is not found within {ENOUGH} seeds"));
        println!("{slip:?} is found by seed {seed}: {what}");
    }
}
