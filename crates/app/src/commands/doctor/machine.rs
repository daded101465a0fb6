//! The limits of the machine: open files, memory.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::finding::Finding;
use crate::config::Config;

/// Files besides sockets and database connections.
const BESIDES: u64 = 64;
/// With fewer a server is of no use to anybody.
const TOO_FEW: u64 = 256;
/// Bytes that an idle connection takes, the kernel's part included.
const IDLE: u64 = 16 << 10;
/// Bytes without which there is no room for caches and bursts.
const LITTLE: u64 = 256 << 20;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    // The server raises its own limit as far as it may.
    let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let mut findings = vec![files(config, limit)];
    findings.extend(available().map(|bytes| memory(config, bytes)));
    findings
}

fn files(config: &Config, limit: u64) -> Finding {
    const CHECK: &str = "files";
    let connections = config.limits.connections as u64;
    let wanted = connections + u64::from(config.database.max_connections) + BESIDES;
    let says = format!("{limit} files may be open; limits.connections ({connections}) asks for {wanted}");
    let cure = format!(
        "under systemd, LimitNOFILE={wanted} in the unit; in a shell, `ulimit -n {wanted}`; or lower limits.connections \
         (the limit is this command's: a service has its own)"
    );
    match limit {
        ..TOO_FEW => Finding::problem(CHECK, says, cure),
        _ if limit < wanted => Finding::warning(CHECK, says, cure),
        _ => Finding::good(CHECK, format!("{limit} may be open, {wanted} are needed")),
    }
}

fn memory(config: &Config, bytes: u64) -> Finding {
    const CHECK: &str = "memory";
    let says = format!("{} MiB are available, for about {} idle connections", bytes >> 20, bytes / IDLE);
    if bytes < LITTLE {
        return Finding::warning(CHECK, says, "give the server 512 MiB or more");
    }
    let allowed = config.limits.connections as u64;
    if bytes / IDLE < allowed {
        return Finding::note(CHECK, format!("{says}; limits.connections allows {allowed}"));
    }
    Finding::good(CHECK, says)
}

/// The memory that is left to the system, or to the group that this process is confined to.
fn available() -> Option<u64> {
    let about = fs::read_to_string("/proc/meminfo").ok()?;
    let line = about.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let system = line.split_whitespace().next()?.parse::<u64>().ok()? * 1024;
    Some(confined().map_or(system, |group| group.min(system)))
}

fn confined() -> Option<u64> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = match number("/sys/fs/cgroup/memory.max") {
        Some(limit) => (limit, number("/sys/fs/cgroup/memory.current")?),
        None => (
            number("/sys/fs/cgroup/memory/memory.limit_in_bytes")?,
            number("/sys/fs/cgroup/memory/memory.usage_in_bytes")?,
        ),
    };
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Level, files, memory};
    use crate::config::Config;

    #[test]
    fn files_and_memory_are_weighed_against_the_connections_that_are_allowed() {
        let mut config = Config::default();
        config.limits.connections = 1_000;
        config.database.max_connections = 20;
        for (limit, level) in
            [(255, Level::Problem), (256, Level::Warning), (1_083, Level::Warning), (1_084, Level::Good)]
        {
            assert_eq!(files(&config, limit).level, level, "{limit}");
        }
        assert_eq!(memory(&config, 255 << 20).level, Level::Warning);
        assert_eq!(memory(&config, 256 << 20).level, Level::Good);
        config.limits.connections = 100_000;
        assert_eq!(memory(&config, 256 << 20).level, Level::Note);
    }
}
