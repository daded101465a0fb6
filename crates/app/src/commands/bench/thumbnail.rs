//! Making the thumbnails and the blurhash of a photo, as the server does after an upload: what one costs.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, Result};

use super::{report::Report, server::usage};

/// Looks at a photo so many times; at one that is made up if none is given.
///
/// # Errors
/// If the photo cannot be read, or is none that has thumbnails.
pub fn run(photo: Option<&Path>, times: usize, settings: &[String]) -> Result<Report> {
    let (bytes, what) = match photo {
        Some(path) => {
            let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
            (bytes, path.display().to_string())
        }
        None => (engine::sample_photo(4_000, 3_000).context("no photo can be made up")?, "made up, 12 MP".to_owned()),
    };
    let own = [std::process::id()];
    let what = format!("thumbnails of a photo of {} kB ({what}), {times} times", bytes.len() / 1_000);
    let mut report = Report::new(what, settings);
    let (before, begin) = (usage(&own)?, Instant::now());
    for _ in 0..times {
        engine::look_at_photo(&bytes).context("this is no photo that has thumbnails")?;
    }
    report.seconds = begin.elapsed().as_secs_f64();
    let cpu = before.zip(usage(&own)?).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.cpu_per_photo_ms = cpu.map(|cpu| cpu * 1e3 / times as f64);
    Ok(report)
}
