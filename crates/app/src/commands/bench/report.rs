//! The results of a run: a table for people, JSON for machines.

use std::{fmt, fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{
    histogram::Percentiles,
    server::{Usage, machine},
};

/// The figures of a run. What does not apply to a work is absent.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Which work, with its parameters.
    pub work: String,
    /// Processor, cores, kernel.
    pub machine: String,
    /// The note about the server of the person who ran it.
    pub settings: Vec<String>,
    /// Length of the measured part in seconds.
    pub seconds: f64,
    /// Open connections.
    pub connections: usize,
    /// Connections opened and authenticated a second.
    pub connects_per_second: Option<f64>,
    /// Messages acknowledged a second.
    pub acked_per_second: Option<f64>,
    /// Messages delivered a second, counting each receiver.
    pub deliveries_per_second: Option<f64>,
    /// The same per second of the server's processor time.
    pub deliveries_per_cpu_second: Option<f64>,
    /// Pages of history, or other requests, a second.
    pub requests_per_second: Option<f64>,
    /// The same per second of the server's processor time.
    pub requests_per_cpu_second: Option<f64>,
    /// The server's processor time in the measured part.
    pub server_cpu_seconds: Option<f64>,
    /// From the due time of a send to its acknowledgement.
    pub ack: Option<Percentiles>,
    /// From a send to its acknowledgement while nothing else is done, …
    pub ack_calm: Option<Percentiles>,
    /// … beside uploads, …
    pub ack_beside_uploads: Option<Percentiles>,
    /// … beside downloads, …
    pub ack_beside_downloads: Option<Percentiles>,
    /// … and beside as many downloads from another server on the same machine.
    pub ack_beside_others_downloads: Option<Percentiles>,
    /// From the due time of a send to each receiver.
    pub delivery: Option<Percentiles>,
    /// From a request to its answer.
    pub request: Option<Percentiles>,
    /// From the reconnection of all to each one being caught up.
    pub catch_up: Option<Percentiles>,
    /// Sends in the whole run.
    pub sent: u64,
    /// Acknowledgements in the whole run.
    pub acks: u64,
    /// Refused commands.
    pub refused: u64,
    /// Deliveries in the whole run.
    pub deliveries: u64,
    /// Numbers that a receiver never got.
    pub lost: u64,
    /// Numbers that a receiver got twice, or that were acknowledged for two sends.
    pub duplicated: u64,
    /// Numbers that a receiver got after a later one.
    pub out_of_order: u64,
    /// Numbers that came in a catch-up answer instead of live.
    pub caught_up: u64,
    /// Sends without an answer at the end.
    pub unanswered: u64,
    /// Tries to connect that failed.
    pub failed_connects: u64,
    /// Connections that the server closed.
    pub closed: u64,
    /// The server's memory at the start, with all connections, and at the end.
    pub memory: Vec<Memory>,
    /// Resident memory of the server for each connection, in bytes.
    pub rss_per_connection: Option<f64>,
    /// Proportional memory of the server for each connection, in bytes.
    pub pss_per_connection: Option<f64>,
    /// Resident memory for each connection after each has sent a large frame, in bytes.
    pub rss_per_connection_after_large_frames: Option<f64>,
    /// Kernel memory for each connection, both ends, in bytes.
    pub kernel_per_connection: Option<f64>,
    /// Texts put into the index for searching, a second.
    pub texts_per_second: Option<f64>,
    /// Processor time of each, in microseconds: of the process that puts them there, not of PostgreSQL's.
    pub cpu_per_text_us: Option<f64>,
    /// Processor time for the thumbnails of a photo, in milliseconds.
    pub cpu_per_photo_ms: Option<f64>,
    /// The size of the index.
    pub index_bytes: Option<f64>,
    /// Memory of the server for each upload of those at once, in bytes, at most.
    pub rss_per_upload: Option<f64>,
    /// Memory of the server for each download of those at once, in bytes, at most.
    pub rss_per_download: Option<f64>,
    /// Bytes a second of one download after another.
    pub bytes_per_second: Option<f64>,
    /// The same of the other server.
    pub others_bytes_per_second: Option<f64>,
    /// The one as a share of the other.
    pub share_of_other: Option<f64>,
    /// Time of `fdatasync`.
    pub flush: Option<Percentiles>,
    /// Flushes a second.
    pub flushes_per_second: Option<f64>,
    /// The measurements beside their bounds.
    pub bounds: Vec<Bound>,
    /// The first things that went wrong.
    pub complaints: Vec<String>,
}

/// A figure beside the most that it may be. Debug builds and busy machines exceed it, so it is told and decides nothing.
#[derive(Debug, Serialize)]
pub struct Bound {
    /// Of what.
    pub what: &'static str,
    /// The measured value.
    pub measured: f64,
    /// The most that it may be.
    pub most: f64,
}

impl Bound {
    /// A figure, and the most that it may be.
    #[must_use]
    pub fn most(what: &'static str, measured: f64, most: f64) -> Self {
        Self { what, measured, most }
    }
}

/// The server's memory at one moment.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// Which moment.
    pub moment: &'static str,
    /// The resources that it used.
    #[serde(flatten)]
    pub usage: Usage,
}

impl Report {
    /// A report with nothing in it yet.
    #[must_use]
    pub fn new(work: String, settings: &[String]) -> Self {
        Self { work, machine: machine(), settings: settings.to_vec(), ..Self::default() }
    }

    /// Notes the server's memory.
    pub fn remember(&mut self, moment: &'static str, usage: Option<Usage>) {
        self.memory.extend(usage.map(|usage| Memory { moment, usage }));
    }

    /// Whether every promise was kept.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.lost + self.duplicated + self.out_of_order + self.unanswered + self.failed_connects + self.closed == 0
    }

    /// Writes the figures as JSON.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![("work", self.work.clone()), ("machine", self.machine.clone())];
        rows.extend(self.settings.iter().map(|setting| ("setting", setting.clone())));
        rows.push(("seconds measured", format!("{:.2}", self.seconds)));
        rows.push(("connections", self.connections.to_string()));
        let figures = [
            ("connects/s", self.connects_per_second),
            ("messages acked/s", self.acked_per_second),
            ("deliveries/s", self.deliveries_per_second),
            ("deliveries per server CPU-second", self.deliveries_per_cpu_second),
            ("requests/s", self.requests_per_second),
            ("requests per server CPU-second", self.requests_per_cpu_second),
            ("server CPU, % of one core", self.server_cpu_seconds.map(|cpu| cpu / self.seconds.max(0.001) * 100.0)),
            ("memory per connection, RSS, bytes", self.rss_per_connection),
            ("memory per connection, PSS, bytes", self.pss_per_connection),
            ("the same after large frames, RSS", self.rss_per_connection_after_large_frames),
            ("kernel memory per connection, bytes", self.kernel_per_connection),
            ("texts indexed/s", self.texts_per_second),
            ("CPU per text indexed, µs", self.cpu_per_text_us),
            ("CPU per photo, ms", self.cpu_per_photo_ms),
            ("index, bytes", self.index_bytes),
            ("flushes/s", self.flushes_per_second),
            ("memory per upload, RSS, bytes", self.rss_per_upload),
            ("memory per download, RSS, bytes", self.rss_per_download),
            ("download, bytes/s", self.bytes_per_second),
            ("the other server's, bytes/s", self.others_bytes_per_second),
            ("share of the other server's", self.share_of_other),
        ];
        rows.extend(figures.into_iter().filter_map(|(name, figure)| Some((name, thousands(figure?)))));
        let times = [
            ("ack ms", &self.ack),
            ("ack while calm, ms", &self.ack_calm),
            ("ack beside uploads, ms", &self.ack_beside_uploads),
            ("ack beside downloads, ms", &self.ack_beside_downloads),
            ("ack beside the other server's downloads, ms", &self.ack_beside_others_downloads),
            ("delivery ms", &self.delivery),
            ("request ms", &self.request),
            ("caught up ms", &self.catch_up),
            ("flush ms", &self.flush),
        ];
        rows.extend(times.into_iter().filter_map(|(name, times)| Some((name, times.as_ref()?.to_string()))));
        for memory in &self.memory {
            let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
            let usage = memory.usage;
            let text = format!("{}: RSS {:.1} MiB, PSS {:.1} MiB", memory.moment, mib(usage.rss), mib(usage.pss));
            rows.push(("server memory", text));
        }
        let counts = [
            ("sent", self.sent),
            ("acks", self.acks),
            ("refused", self.refused),
            ("deliveries", self.deliveries),
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("out of order", self.out_of_order),
            ("caught up", self.caught_up),
            ("unanswered", self.unanswered),
            ("failed connects", self.failed_connects),
            ("closed by the server", self.closed),
        ];
        // A run without a server loses nothing.
        let has_server = self.flush.is_none() && self.texts_per_second.is_none() && self.cpu_per_photo_ms.is_none();
        let counts = counts.into_iter().filter(|_| has_server);
        rows.extend(counts.map(|(name, count)| (name, thousands(count as f64))));
        rows.extend(self.bounds.iter().map(|Bound { what, measured, most }| {
            let verdict = if measured <= most { "holds" } else { "EXCEEDED" };
            ("bound", format!("{what}: {} of at most {}, {verdict}", thousands(*measured), thousands(*most)))
        }));
        rows.extend(self.complaints.iter().map(|complaint| ("complaint", complaint.clone())));
        rows
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        rows.iter().try_for_each(|(name, value)| writeln!(f, "{name:<width$}  {value}"))
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50_ms, p95_ms, p99_ms, max_ms } = self;
        write!(f, "p50 {p50_ms:.2}  p95 {p95_ms:.2}  p99 {p99_ms:.2}  max {max_ms:.2}  (of {count})")
    }
}

fn thousands(figure: f64) -> String {
    if figure.abs() < 100.0 && figure.fract() != 0.0 {
        return format!("{figure:.2}");
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(
            [0.0, 7.25, 999.0, 1_000.0, 1_234_567.8].map(thousands),
            ["0", "7.25", "999", "1,000", "1,234,568"].map(String::from)
        );
    }

    #[test]
    fn a_figure_is_told_beside_its_bound() {
        let mut report = Report::new("w".into(), &[]);
        report.bounds = vec![Bound::most("bytes", 300.0, 300.0), Bound::most("seconds", 20.25, 20.0)];
        let told = report.to_string();
        assert!(told.contains("bytes: 300 of at most 300, holds"), "{told}");
        assert!(told.contains("seconds: 20.25 of at most 20, EXCEEDED") && report.clean(), "{told}");
    }

    #[test]
    fn a_loss_is_not_clean() {
        let mut report = Report::new("w".into(), &["queue=1".into()]);
        assert!(report.clean());
        report.lost = 1;
        assert!(!report.clean());
        assert!(report.to_string().contains("lost") && report.to_string().contains("queue=1"));
    }
}
