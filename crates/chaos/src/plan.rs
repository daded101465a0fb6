//! The rounds, and the faults of each.

use testkit::dice::Dice;

use crate::{
    nemesis::{Fault, Kind, Way},
    round::Round,
    topology::Profile,
};

/// The names of all rounds, in the order in which they are run.
pub const NAMES: [&str; 6] = ["kill-one", "kill-three", "one", "stores", "ways", "crowd"];
/// Further rounds, for investigations.
pub const MORE: [&str; 8] = ["loud", "many", "bucket", "quick", "full", "dawdlers", "deaf", "drains"];

/// A round by its name; `None` if it does not exist. `share` is the number of faults in percent of the usual number.
#[must_use]
pub fn round(name: &str, share: usize, seed: u64) -> Option<Round> {
    let times = |fault: Fault, count: usize| std::iter::repeat_n(fault, (count * share / 100).max(1));
    let each = |faults: &[Fault], count: usize| -> Vec<Fault> {
        faults.iter().copied().cycle().take((count * share / 100).max(1)).collect()
    };
    let base = Round {
        name: "",
        profile: Profile::Three,
        faults: Vec::new(),
        between: (300, 900),
        pace: (15, 60),
        talkers: 24,
        listeners: 0,
        dawdlers: 0,
        padding: 0,
        carriers: 2,
        linkers: 3,
    };
    // If there are too few faults for all partitions, different rounds have different ones.
    let mut partitions = Fault::PARTITIONS.to_vec();
    let turn = usize::try_from(Dice(seed).between(0, partitions.len() as u64)).unwrap_or_default();
    partitions.rotate_left(turn);
    Some(match name {
        // N1
        "kill-one" => {
            let faults = times(Fault::KillNode, 60).collect();
            Round { name: "kill-one", profile: Profile::One, faults, between: (200, 800), pace: (5, 30), ..base }
        }
        // N1 with as much load as the node can bear
        "loud" => {
            let faults = times(Fault::KillNode, 60).collect();
            Round { name: "loud", profile: Profile::One, faults, between: (1_000, 2_500), pace: (1, 8), ..base }
        }
        // N2
        "kill-three" => {
            Round { name: "kill-three", faults: times(Fault::KillNode, 40).collect(), between: (300, 1_000), ..base }
        }
        // N5, N13, N15 on one node
        "one" => {
            let mut faults: Vec<Fault> = times(Fault::FillDisk, 3).collect();
            faults.extend(times(Fault::ClockStep, 2));
            faults.extend(times(Fault::Drain, 2));
            Round { name: "one", profile: Profile::One, faults, ..base }
        }
        // N6, N7, N14, and the store of files
        "stores" => {
            let mut faults = each(&Fault::POSTGRES, 9);
            faults.extend(each(&Fault::REDIS, 10));
            faults.extend(times(Fault::CommitInDoubt, 20));
            faults.extend(times(Fault::BucketKill, 8));
            Round { name: "stores", faults, between: (300, 4_500), ..base }
        }
        // N8, N9, N13, N15 on three nodes
        "ways" => {
            let mut faults = each(&partitions, 12);
            faults.extend(each(&[Fault::Slow(Way::Door), Fault::Slow(Way::Database), Fault::Slow(Way::Redis)], 3));
            faults.extend(times(Fault::ClockStep, 2));
            faults.extend(times(Fault::Drain, 2));
            Round { name: "ways", faults, ..base }
        }
        // N2, N8 on the way to the bucket of files
        "bucket" => {
            let kinds = [Kind::Drop, Kind::Reset, Kind::OneWay, Kind::Flapping];
            let mut faults = each(&kinds.map(|kind| Fault::Partition(Way::Bucket, kind)), 4);
            faults.extend(times(Fault::KillNode, 4));
            faults.extend(times(Fault::BucketKill, 6));
            Round { name: "bucket", faults, pace: (60, 200), ..base }
        }
        // N10, N12
        "crowd" => {
            let mut faults: Vec<Fault> = times(Fault::SlowReaders, 2).collect();
            faults.extend(times(Fault::Storm, 4));
            Round {
                name: "crowd",
                faults,
                between: (4_000, 5_000),
                listeners: 30,
                dawdlers: 6,
                padding: 300,
                pace: (40, 120),
                ..base
            }
        }
        // N2 and N12 with as many clients as the contract's bounds name; they receive more than they send.
        "many" => {
            let mut faults: Vec<Fault> = times(Fault::KillNode, 6).collect();
            faults.extend(times(Fault::Storm, 3));
            Round {
                name: "many",
                faults,
                between: (7_000, 8_000),
                pace: (2_000, 6_000),
                listeners: 2_000,
                carriers: 0,
                linkers: 0,
                ..base
            }
        }
        // As short as possible: one kill, many changes of membership.
        "quick" => Round {
            name: "quick",
            profile: Profile::One,
            faults: vec![Fault::KillNode],
            between: (2_500, 3_000),
            pace: (5, 30),
            ..base
        },
        // N5 alone
        "full" => Round { name: "full", profile: Profile::One, faults: vec![Fault::FillDisk; 2], ..base },
        // Subscribers who pause and then read on.
        "dawdlers" => Round {
            name: "dawdlers",
            profile: Profile::One,
            faults: vec![Fault::KillNode],
            between: (8_000, 9_000),
            pace: (10, 30),
            dawdlers: 6,
            padding: 1_800,
            ..base
        },
        // N7 and N8, as far as they affect messages between nodes.
        "deaf" => {
            let mut faults = each(&[Fault::RedisDropSubscribers, Fault::RedisKill], 4);
            faults.push(Fault::Partition(Way::Redis, Kind::Flapping));
            Round { name: "deaf", faults, between: (1_000, 1_500), ..base }
        }
        // N15 alone
        "drains" => Round { name: "drains", profile: Profile::One, faults: times(Fault::Drain, 10).collect(), ..base },
        _ => return None,
    })
}
