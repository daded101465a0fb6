//! A private S3 store for the tests: moto's server, a Python program, in an environment of its own below the target
//! folder. It keeps everything in memory and is gone afterwards.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{
    chaos,
    shell::{command, succeed, works},
    tools,
};

/// What is installed, each with its version.
const PACKAGES: &str = include_str!("s3.txt");
/// Debian's package with which environments of Python are made.
const VENV: &str = "python3-venv";
const PATIENCE: Duration = Duration::from_secs(60);
/// The bucket that the tests use.
const BUCKET: &str = "palabre";

/// A running store. Dropping it stops it; if this program is killed, it stops by itself.
pub struct S3 {
    server: Child,
    port: u16,
}

/// Makes the environment, unless it is there with the same packages.
///
/// # Errors
/// If Python is missing, or a package cannot be had.
pub fn require(may_install: bool) -> anyhow::Result<()> {
    let (folder, mark) = (folder(), folder().join("packages"));
    if fs::read_to_string(&mark).is_ok_and(|there| there == PACKAGES) {
        return Ok(());
    }
    if !works(command("python3").args(["-c", "import ensurepip"])) {
        tools::install(VENV, may_install)?;
    }
    println!("installing moto's server from PyPI");
    succeed(command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let list = folder.join("requirements.txt");
    fs::write(&list, PACKAGES)?;
    let mut install = command(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "-r"]);
    succeed(install.arg(&list)).context("moto's server cannot be installed from PyPI")?;
    Ok(fs::write(&mark, PACKAGES)?)
}

fn folder() -> PathBuf {
    chaos::target().join("s3")
}

impl S3 {
    /// Starts one, with an empty bucket.
    ///
    /// # Errors
    /// If it cannot be installed, or does not start.
    pub fn start() -> anyhow::Result<Self> {
        require(true)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut moto = command("setpriv");
        moto.args(["--pdeathsig", "TERM", "--"]).arg(folder().join("bin/moto_server"));
        moto.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        moto.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut started = Self { server: moto.spawn().context("the S3 store cannot be started")?, port };
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = started.server.try_wait()? {
                bail!("the S3 store ended at once ({status})");
            }
            if started.makes_a_bucket() {
                return Ok(started);
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("the S3 store does not answer")
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn makes_a_bucket(&self) -> bool {
        let Ok(mut line) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let ask = format!(
            "PUT /{BUCKET} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 0\r\nConnection: close\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=testing/20200101/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=0\r\n\r\n",
            self.port
        );
        let mut answer = [0; 12];
        line.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
            && line.write_all(ask.as_bytes()).is_ok()
            && line.read_exact(&mut answer).is_ok()
            && answer.ends_with(b" 200")
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
