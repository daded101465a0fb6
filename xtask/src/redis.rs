//! A Redis of our own for the tests: a free port of the loopback address, nothing kept, gone afterwards.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::shell::command;

/// A running server. Dropping it stops it; if this program is killed, it stops by itself.
pub struct Redis {
    server: Child,
    port: u16,
}

impl Redis {
    /// Starts one.
    pub fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut redis = command("setpriv");
        redis.args(["--pdeathsig", "TERM", "--", "redis-server", "--bind", "127.0.0.1", "--port", &port.to_string()]);
        redis.args(["--save", "", "--appendonly", "no", "--dir", "/tmp"]).stdin(Stdio::null()).stdout(Stdio::null());
        let server = redis.spawn().context("Redis cannot be started")?;
        let mut started = Self { server, port };
        started.wait()?;
        Ok(started)
    }

    /// Its address for a client.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
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
