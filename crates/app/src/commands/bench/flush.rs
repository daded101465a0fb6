//! How fast the disk is: the floor under every durable acknowledgement.

use std::{
    fs::OpenOptions,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{histogram::Histogram, report::Report};

/// Appends 4 KiB and flushes, again and again.
///
/// # Errors
/// If the directory cannot be written to.
pub fn run(directory: &Path, seconds: u64, settings: &[String]) -> Result<Report> {
    let path = directory.join(format!("palabre-bench-flush-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot create a file in {}", directory.display()))?;
    let measured = measure(&mut file, Duration::from_secs(seconds));
    drop(file);
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    let (histogram, elapsed) = measured?;
    let mut report = Report::new(format!("flush: append 4 KiB and fdatasync in {}", directory.display()), settings);
    report.seconds = elapsed.as_secs_f64();
    report.flush = histogram.percentiles();
    report.flushes_per_second = report.flush.as_ref().map(|flush| flush.count as f64 / elapsed.as_secs_f64());
    Ok(report)
}

fn measure(file: &mut std::fs::File, time: Duration) -> Result<(Histogram, Duration)> {
    let (histogram, block, begin) = (Histogram::default(), [0x5a; 4096], Instant::now());
    while begin.elapsed() < time {
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        histogram.record(start.elapsed().as_micros() as u64);
    }
    Ok((histogram, begin.elapsed()))
}
