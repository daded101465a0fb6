//! A private S3 store for the files of a round, which can be killed.

pub mod store;

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use testkit::kill::BUCKET;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::shell::WITH_US;

const PATIENCE: Duration = Duration::from_secs(30);

/// A running store with a bucket. Dropping it ends it.
#[derive(Debug)]
pub struct Bucket {
    folder: PathBuf,
    address: SocketAddr,
    server: Option<Child>,
}

impl Bucket {
    /// Starts one in a folder that is created for it.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)?;
        let mut bucket = Self { folder, address: testkit::process::free_address()?, server: None };
        bucket.begin().await?;
        Ok(bucket)
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
        if let Some(status) = server.try_wait()? {
            bail!("the S3 store ended by itself ({status})");
        }
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
        command.args(words).arg(std::env::current_exe()?).arg("store").arg("--folder").arg(&self.folder);
        command.args(["--listen", &self.address.to_string()]);
        let server = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        self.server = Some(server.context("the S3 store cannot be started")?);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.is_made().await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("the S3 store does not answer; its log is {}", self.folder.join("log").display())
    }

    async fn is_made(&self) -> bool {
        let asking = async {
            let mut stream = TcpStream::connect(self.address).await.ok()?;
            let ask = format!("PUT /{BUCKET} HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\n\r\n", self.address);
            stream.write_all(ask.as_bytes()).await.ok()?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.ok()?;
            Some(answer.ends_with(b" 200"))
        };
        timeout(Duration::from_secs(5), asking).await.ok().flatten().unwrap_or(false)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.kill();
    }
}
