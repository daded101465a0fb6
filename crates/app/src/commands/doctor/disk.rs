//! How the disk flushes: the floor under every acknowledgement, and whether it can be true.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use super::finding::Finding;
use crate::config::Config;

const CHECK: &str = "flush";
/// Flushes whose middle one counts.
const TIMES: usize = 20;
/// No disk is as fast as that; memory is.
const IMPLAUSIBLE: Duration = Duration::from_micros(50);
/// Slower than people like to wait.
const SLOW: Duration = Duration::from_millis(50);

/// On PostgreSQL the disk that counts is the server's.
pub(super) fn examine(config: &Config) -> Option<Finding> {
    if !config.database_url().is_sqlite() || !config.data.dir.is_dir() {
        return None;
    }
    Some(match middle(&config.data.dir) {
        Ok(time) => judge(time),
        Err(error) => Finding::problem(
            CHECK,
            format!("a file in {} cannot be written and flushed: {error}", config.data.dir.display()),
            "let the server's user write there, and see that the disk is neither full nor read-only",
        ),
    })
}

fn judge(time: Duration) -> Finding {
    let says = format!("a flush takes {:.2} ms", time.as_secs_f64() * 1_000.0);
    if time < IMPLAUSIBLE {
        return Finding::warning(
            CHECK,
            format!("{says}: no disk is that fast, so that this one or its virtual machine may not honour flushes"),
            "put the data folder on a real disk; in a virtual machine, choose a disk cache that honours flushes",
        );
    }
    if time > SLOW {
        let cure = "use a disk with a faster flush (an SSD with power-loss protection); every send waits for one";
        return Finding::warning(CHECK, format!("{says}, which is slow"), cure);
    }
    Finding::good(CHECK, says)
}

fn middle(folder: &Path) -> io::Result<Duration> {
    let path = folder.join(format!(".palabre-doctor-{}", std::process::id()));
    let file = OpenOptions::new().create_new(true).append(true).open(&path)?;
    let measured = measure(file);
    fs::remove_file(&path)?;
    measured
}

fn measure(mut file: File) -> io::Result<Duration> {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begin = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    Ok(times[TIMES / 2])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::finding::Level, judge};

    #[test]
    fn what_is_too_fast_or_too_slow_is_told() {
        for (micros, level) in [(10, Level::Warning), (49, Level::Warning), (50, Level::Good), (50_000, Level::Good)] {
            assert_eq!(judge(Duration::from_micros(micros)).level, level, "{micros} µs");
        }
        let slow = judge(Duration::from_millis(51));
        assert!(slow.level == Level::Warning && slow.says.contains("slow"), "{slow:?}");
    }
}
