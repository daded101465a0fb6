//! A private Redis that can be killed, emptied and paused.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::shell::WITH_US;

const PATIENCE: Duration = Duration::from_secs(20);

/// A running server without persistence. Dropping it ends it.
#[derive(Debug)]
pub struct Redis {
    folder: PathBuf,
    address: SocketAddr,
    server: Option<Child>,
}

impl Redis {
    /// Starts one in a folder that is created for it.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub async fn start(folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)?;
        let mut redis = Self { folder, address: testkit::process::free_address()?, server: None };
        redis.begin().await?;
        Ok(redis)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it.
    ///
    /// # Errors
    /// If it has ended by itself before.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        server.kill()?;
        server.wait()?;
        Ok(())
    }

    /// Starts it, and returns when it answers.
    ///
    /// # Errors
    /// If it does not answer in time.
    pub async fn begin(&mut self) -> Result<()> {
        let [setpriv, words @ ..] = WITH_US;
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = Command::new(setpriv);
        command.args(words).arg("redis-server").current_dir(&self.folder);
        command.args(["--bind", "127.0.0.1", "--port", &self.address.port().to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--enable-debug-command", "local"]);
        let server = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        self.server = Some(server.context("redis-server cannot be started; install Debian's package `redis-server`")?);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.command("PING").await.is_ok_and(|answer| answer.starts_with("+PONG")) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("redis-server does not answer; its log is {}", self.folder.join("log").display())
    }

    /// Sends a command and waits a second for the beginning of the answer.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn command(&self, words: &str) -> Result<String> {
        let asking = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.write_all(format!("{words}\r\n").as_bytes()).await?;
            let mut answer = vec![0; 512];
            let count = stream.read(&mut answer).await?;
            Ok(String::from_utf8_lossy(answer.get(..count).unwrap_or_default()).into_owned())
        };
        timeout(Duration::from_secs(1), asking).await.context("Redis does not answer")?
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.kill();
    }
}
