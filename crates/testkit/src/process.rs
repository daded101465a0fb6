//! The real program in a process of its own, which can be killed.

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long a start may take; a debug build on a busy machine needs a part of it.
const START: Duration = Duration::from_secs(30);

/// The parameters of a process.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program.
    pub binary: PathBuf,
    /// Its private folder, which is created if missing; the log is written beside the data.
    pub data: PathBuf,
    /// The database, if it is not the SQLite file in the folder.
    pub database_url: Option<String>,
    /// Environment variables. Nothing else of the environment is passed on.
    pub environment: Vec<(String, String)>,
    /// A program, with its arguments, that starts the server in its own place (`setpriv … --`); empty: the server is
    /// started directly.
    pub wrapper: Vec<String>,
}

/// A server in a process of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    setup: Setup,
    address: SocketAddr,
    child: Option<Child>,
}

impl Process {
    /// Starts the program on a free port and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready; the end of its log is in the error.
    pub async fn start(setup: Setup) -> Result<Self> {
        std::fs::create_dir_all(&setup.data).with_context(|| format!("cannot make {}", setup.data.display()))?;
        let mut process = Self { setup, address: free_address()?, child: None };
        process.restart().await?;
        Ok(process)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The file with its standard output and error.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.setup.data.join("server.log")
    }

    /// Kills it with SIGKILL: it cannot even write what it holds.
    ///
    /// # Errors
    /// If it has ended by itself before: that is a fault of the program.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Some(status) = child.try_wait()? {
            bail!("the server ended by itself ({status}):\n{}", self.end_of_log());
        }
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Asks it to stop (SIGTERM) and waits until it has. Returns how long that took.
    ///
    /// # Errors
    /// If it does not stop cleanly within `patience`, or has ended by itself before.
    pub async fn stop(&mut self, patience: Duration) -> Result<Duration> {
        let Some(child) = self.child.as_mut() else { return Ok(Duration::ZERO) };
        let begin = Instant::now();
        if let Some(status) = child.try_wait()? {
            bail!("the server ended by itself ({status}):\n{}", end_of(&self.setup.data.join("server.log")));
        }
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        loop {
            if let Some(status) = child.try_wait()? {
                self.child = None;
                if !status.success() {
                    bail!("the server stopped with {status}:\n{}", self.end_of_log());
                }
                return Ok(begin.elapsed());
            }
            if begin.elapsed() > patience {
                bail!("the server had not stopped after {patience:?}:\n{}", self.end_of_log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts it again, on the same port and the same data, and waits until it is ready. Returns how long that took.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub async fn restart(&mut self) -> Result<Duration> {
        self.kill()?;
        let begin = Instant::now();
        self.child = Some(self.spawn()?);
        while !ready(self.address).await {
            let ended = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            if let Some(status) = ended {
                bail!("the server did not start ({status}):\n{}", self.end_of_log());
            }
            if begin.elapsed() > START {
                bail!("the server was not ready after {START:?}:\n{}", self.end_of_log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(begin.elapsed())
    }

    fn spawn(&self) -> Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut words = self.setup.wrapper.iter().map(OsStr::new).chain([self.setup.binary.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .arg("serve")
            .arg("--listen")
            .arg(self.address.to_string())
            .arg("--data-dir")
            .arg(&self.setup.data);
        if let Some(url) = &self.setup.database_url {
            command.arg("--database-url").arg(url);
        }
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(self.setup.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.setup.data)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.setup.binary.display()))
    }

    fn end_of_log(&self) -> String {
        end_of(&self.log())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already, which is fine.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The last lines of a file.
fn end_of(path: &Path) -> String {
    let text = File::open(path).and_then(std::io::read_to_string).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A free port below those that the system uses for outgoing connections, which could take it while the server is down.
///
/// # Errors
/// If no port is free.
pub fn free_address() -> Result<SocketAddr> {
    // Servers that start at the same moment must not find the same port free.
    static SERVERS: AtomicU16 = AtomicU16::new(0);
    let begin = 10_000 + u16::try_from(std::process::id() % 20_000)? + SERVERS.fetch_add(1, Relaxed) % 100 * 10;
    (begin..32_000)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .context("no port is free")
}

/// Whether the server says that it is ready.
async fn ready(address: SocketAddr) -> bool {
    let asking = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET /ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        Some(answer.starts_with(b"HTTP/1.1 200"))
    };
    tokio::time::timeout(Duration::from_secs(2), asking).await.ok().flatten().unwrap_or_default()
}
