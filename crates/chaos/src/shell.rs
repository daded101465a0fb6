//! Helpers that start other programs or read their state.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

/// Makes a program end when this one ends, for whatever reason.
pub const WITH_US: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// Sends a signal, such as `TERM`, to a process that this program started.
pub fn signal(name: &str, pid: u32) -> Result<()> {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).stderr(Stdio::null()).status()?;
    ensure!(status.success(), "SIG{name} did not reach process {pid}");
    Ok(())
}

/// The output of a program that succeeds.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {program}"))?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether this program runs as root.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// The resident memory of a process, in bytes; 0 if it is gone.
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or_default() * 1_024
}

/// The children of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join(format!("task/{pid}/children")));
    tasks.unwrap_or_default().split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The command line of a process, as it shows it.
pub fn title(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ").trim().to_owned()
}
