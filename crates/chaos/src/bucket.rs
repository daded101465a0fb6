//! A private S3 store for the files of a round. It keeps them in memory: it is never killed, but the ways to it break.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use testkit::kill::BUCKET;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::shell::WITH_US;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running store with an empty bucket. Dropping it ends it.
#[derive(Debug)]
pub struct Bucket {
    address: SocketAddr,
    server: Child,
}

impl Bucket {
    /// Starts one.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub async fn start() -> Result<Self> {
        // Beside the folder in which this program was built, where `cargo xtask with-s3` and the check put it.
        let built = std::env::current_exe()?;
        let target =
            built.parent().and_then(|folder| folder.parent()).context("this program is in no target folder")?;
        let program = target.join("s3/bin/moto_server");
        ensure!(program.exists(), "there is no {}; `cargo xtask with-s3 true` installs it", program.display());
        let [setpriv, words @ ..] = WITH_US;
        let address = testkit::process::free_address()?;
        let mut command = Command::new(setpriv);
        command.args(words).arg(program).args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut bucket = Self { address, server };
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = bucket.server.try_wait()? {
                bail!("the S3 store ended at once ({status})");
            }
            if bucket.is_made().await {
                return Ok(bucket);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the S3 store does not answer")
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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
        let _gone = self.server.kill();
        let _waited = self.server.wait();
    }
}
