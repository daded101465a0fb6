//! The resources that the server's process used, read from `/proc`.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

/// Clock ticks a second in `/proc/PID/stat`: fixed at 100 for all that the kernel shows to programs.
const TICKS: f64 = 100.0;

/// The resources that a process has used until now.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// Processor time, user and system, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Its proportional share of resident memory in bytes.
    pub pss: u64,
    /// Kernel memory of the whole machine (slab) in bytes: where the sockets are.
    pub slab: u64,
}

/// Reads what the processes have used together; nothing was asked for if there are none.
///
/// # Errors
/// If there is no such process.
pub fn usage(pids: &[u32]) -> Result<Option<Usage>> {
    let mut all: Option<Usage> = None;
    for pid in pids {
        let (one, sum) = (of_one(*pid)?, all.unwrap_or_default());
        let (cpu_seconds, rss, pss) = (sum.cpu_seconds + one.cpu_seconds, sum.rss + one.rss, sum.pss + one.pss);
        all = Some(Usage { cpu_seconds, rss, pss, slab: one.slab });
    }
    Ok(all)
}

fn of_one(pid: u32) -> Result<Usage> {
    let read = |name: &str| {
        fs::read_to_string(format!("/proc/{pid}/{name}"))
            .with_context(|| format!("cannot read {name} of process {pid}"))
    };
    let stat = read("stat")?;
    // The second field is the program's name in parentheses, which may contain anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    // The smaps of another user's process are not readable; RSS is.
    let pss = read("smaps_rollup").map(|text| kilobytes(&text, "Pss:")).unwrap_or_default();
    let slab = fs::read_to_string("/proc/meminfo").map(|text| kilobytes(&text, "Slab:")).unwrap_or_default();
    Ok(Usage { cpu_seconds: (ticks(11) + ticks(12)) / TICKS, rss: kilobytes(&read("status")?, "VmRSS:"), pss, slab })
}

fn kilobytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
    number.unwrap_or_default() * 1024
}

/// Processor, cores and kernel of this machine in a line.
#[must_use]
pub fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name").and_then(|rest| rest.split_once(':')))
        .map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

/// How many files and sockets this process may have open.
#[must_use]
pub fn open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_read_its_own_usage() {
        let own = usage(&[std::process::id()]).unwrap().unwrap();
        assert!(own.rss > 100_000 && own.pss > 0 && own.slab > 0, "{own:?}");
        assert!(usage(&[]).unwrap().is_none());
        assert!(usage(&[0]).is_err());
        assert!(machine().contains("Linux") && open_files().is_some());
    }
}
