//! A private Redis or Redis Cluster for the tests, on free ports of the loopback address, without persistence, removed
//! afterwards.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::shell::{command, output};

const PATIENCE: Duration = Duration::from_secs(20);
/// The smallest number of servers in a cluster.
const SHARDS: usize = 3;

/// A running server. Dropping it stops it; if this program is killed, it stops by itself.
pub struct Redis {
    server: Child,
    port: u16,
}

impl Redis {
    /// Starts one.
    pub fn start() -> anyhow::Result<Self> {
        let [port] = free_ports()?;
        Self::start_with(port, &[])
    }

    fn start_with(port: u16, flags: &[&str]) -> anyhow::Result<Self> {
        let mut redis = command("setpriv");
        redis.args(["--pdeathsig", "TERM", "--", "redis-server", "--bind", "127.0.0.1", "--port", &port.to_string()]);
        redis.args(["--save", "", "--appendonly", "no", "--dir", "/tmp"]).args(flags);
        redis.stdin(Stdio::null()).stdout(Stdio::null());
        let server = redis.spawn().context("Redis cannot be started")?;
        let mut started = Self { server, port };
        started.wait()?;
        Ok(started)
    }

    /// Its URL for a client.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.server.try_wait()? {
                bail!("Redis ended at once ({status})");
            }
            if self.answers() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("Redis does not answer")
    }

    fn answers(&self) -> bool {
        let Ok(mut line) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut answer = [0; 5];
        line.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
            && line.write_all(b"PING\r\n").is_ok()
            && line.read_exact(&mut answer).is_ok()
            && &answer == b"+PONG"
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Servers that form a cluster. Dropping it stops them.
pub struct Cluster {
    servers: Vec<Redis>,
    files: Vec<PathBuf>,
}

impl Cluster {
    /// Starts one.
    pub fn start() -> anyhow::Result<Self> {
        let mut cluster = Self { servers: Vec::new(), files: Vec::new() };
        for _ in 0..SHARDS {
            // The port of the cluster bus is set, because the default is this port plus 10,000, which may not exist.
            let [port, bus] = free_ports()?;
            let bus = bus.to_string();
            let file = std::env::temp_dir().join(format!("palabre-redis-cluster-{port}.conf"));
            let name = file.display().to_string();
            // A file that a killed run has left would be taken for an existing cluster.
            let _none = std::fs::remove_file(&file);
            cluster.files.push(file);
            let flags = ["--cluster-enabled", "yes", "--cluster-config-file", &name, "--cluster-port", &bus];
            cluster.servers.push(Redis::start_with(port, &flags)?);
        }
        let mut create = command("redis-cli");
        create.args(["--cluster", "create"]).args(cluster.servers.iter().map(Redis::address)).arg("--cluster-yes");
        output(&mut create)?;
        cluster.wait()?;
        Ok(cluster)
    }

    /// The URL of one of its servers for a client.
    pub fn url(&self) -> String {
        self.servers.first().map(Redis::url).unwrap_or_default()
    }

    /// Waits until each server knows that the cluster is complete.
    fn wait(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        while !self.servers.iter().all(knows_the_whole) {
            if start.elapsed() > PATIENCE {
                bail!("the Redis Cluster does not come together");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.servers.clear();
        for file in &self.files {
            let _gone = std::fs::remove_file(file);
        }
    }
}

fn knows_the_whole(server: &Redis) -> bool {
    let mut ask = command("redis-cli");
    ask.args(["-p", &server.port.to_string(), "cluster", "info"]);
    output(&mut ask).is_ok_and(|info| info.contains("cluster_state:ok"))
}

/// Different ports that are free.
fn free_ports<const COUNT: usize>() -> anyhow::Result<[u16; COUNT]> {
    let mut ports = [0; COUNT];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
