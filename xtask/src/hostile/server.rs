//! The server under attack: the program with few file descriptors, and its figures from the system.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Stdio},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::becomes;
use crate::{release::Build, shell::command};

/// How long a start may take.
const START: Duration = Duration::from_secs(30);
/// How long the server may take to release what the hostile client held: longer than any of its timeouts.
const RETURN: Duration = Duration::from_secs(15);

/// A server in a process of its own, which ends when this is dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Server {
    /// Starts it with a limit of file descriptors, and waits until it is ready.
    pub fn start(build: Build, descriptors: u64) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("palabre_hostile_{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = fs::File::create(folder.join("server.log"))?;
        let mut shell = command("sh");
        shell.args(["-c", &format!("ulimit -n {descriptors}; exec \"$0\" serve")]).arg(build.program());
        let child = shell
            .env("PALABRE_SERVER__LISTEN", address.to_string())
            .env("PALABRE_DATA__DIR", folder.join("data"))
            // The member sends all the time.
            .env("PALABRE_LIMITS__MESSAGES_PER_MINUTE", "100000")
            .env("PALABRE_LIMITS__MESSAGE_BURST", "100000")
            // All people of the office use one account.
            .env("PALABRE_LIMITS__CONNECTIONS_PER_USER", "1000")
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .context("the server cannot be started")?;
        let server = Self { child, address, folder };
        let is_ready = becomes(|| Ok(super::others::health(address, Duration::from_secs(1)).is_ok()), START)?;
        ensure!(is_ready, "the server does not start: {}", server.log());
        Ok(server)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    /// The number of its open files.
    pub fn descriptors(&self) -> anyhow::Result<u64> {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .with_context(|| format!("the server has gone: {}", self.log()))?;
        Ok(open.count() as u64)
    }

    /// Resident memory, in MiB.
    pub fn memory(&self) -> anyhow::Result<u64> {
        self.status("VmRSS:")
    }

    /// The largest resident memory so far, in MiB.
    pub fn most_memory(&self) -> anyhow::Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .with_context(|| format!("the server has gone: {}", self.log()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("a line of the status")?;
        let kib: u64 = line.split_whitespace().next().context("a number")?.parse()?;
        Ok(kib / 1_024)
    }

    /// Whether its number of descriptors falls to this number in time.
    pub fn returns_to(&self, descriptors: u64) -> anyhow::Result<bool> {
        becomes(|| Ok(self.descriptors()? <= descriptors), RETURN)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}

/// Raises this program's own limit of file descriptors as far as the system allows.
pub fn raise_own_limit() -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("the stranger's own descriptors")
}
