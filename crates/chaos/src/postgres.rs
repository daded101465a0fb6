//! A private PostgreSQL that flushes its log as in production, and that can be killed.
//!
//! `xtask` starts one of its own for the tests. The code is not shared: `xtask` is built without the workspace's other
//! crates, never restarts its server, and turns off the flushes that matter here.

use std::{
    fs,
    io::Read as _,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::shell::{children, is_root, output, signal, title};

const VERSIONS: &str = "/usr/lib/postgresql";
const PATIENCE: Duration = Duration::from_secs(60);
/// The subfolders of a copy's files, and of a standby's.
const COPY: &str = "copy";
const STANDBY: &str = "standby";

/// A running server. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    password: String,
    owner: Option<(u32, u32)>,
    server: Option<Child>,
    /// The subfolder of its files.
    data: &'static str,
    /// A standby that follows it.
    standby: Option<(SocketAddr, Child)>,
}

impl Postgres {
    /// Starts one in a folder that is created for it.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub async fn start(folder: PathBuf) -> Result<Self> {
        let bin = programs().context("there is no PostgreSQL server; install Debian's package `postgresql`")?;
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let owner = owner()?;
        let mut random = [0; 16];
        fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
        let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let password_file = folder.join("password");
        fs::write(&password_file, &password)?;
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group))?;
            chown(&password_file, Some(user), Some(group))?;
        }
        let address = testkit::process::free_address()?;
        let mut postgres = Self { bin, folder, address, password, owner, server: None, data: "data", standby: None };
        let mut initdb = postgres.program("initdb");
        initdb.args(["--auth=scram-sha-256", "--username=palabre", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        output(initdb.arg("--pwfile").arg(&password_file).arg("--pgdata").arg(postgres.folder.join("data")))?;
        postgres.begin().await?;
        Ok(postgres)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for a client that reaches it through a proxy.
    #[must_use]
    pub fn url_by(&self, way: SocketAddr) -> String {
        format!("postgres://palabre:{}@{way}/postgres", self.password)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Shuts it down at once, without a checkpoint, and starts it again. Returns when it accepts connections.
    ///
    /// # Errors
    /// If it does not come back.
    pub async fn restart_immediately(&mut self) -> Result<()> {
        self.end("QUIT")?;
        self.begin().await
    }

    /// Kills the postmaster and starts it again. Returns when it accepts connections.
    ///
    /// # Errors
    /// As above.
    pub async fn kill(&mut self) -> Result<()> {
        self.end("KILL")?;
        self.begin().await
    }

    /// Kills one backend process; PostgreSQL then ends all others and recovers. Returns when it accepts connections.
    ///
    /// # Errors
    /// If there is none, or it does not come back.
    pub async fn kill_backend(&mut self, choice: u64) -> Result<()> {
        let postmaster = self.id().context("PostgreSQL does not run")?;
        let all = children(postmaster).into_iter();
        let backends: Vec<u32> = all.filter(|pid| title(*pid).contains("postgres: palabre")).collect();
        let index = usize::try_from(choice % (backends.len() as u64).max(1))?;
        let backend = backends.get(index).context("PostgreSQL serves nobody")?;
        signal("KILL", *backend)?;
        // Until it has noticed, it still accepts connections.
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.wait().await
    }

    /// Copies it while it runs; [`Postgres::turn_back`] starts the copy.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub fn copy(&self) -> Result<()> {
        let mut copy = self.client("pg_basebackup");
        copy.args(["--checkpoint=fast", "--wal-method=stream", "--no-sync", "--pgdata"]).arg(self.folder.join(COPY));
        output(&mut copy).map(drop)
    }

    /// Ends it at once, and starts the copy in its place. Returns when the copy accepts connections.
    ///
    /// # Errors
    /// If the copy does not start.
    pub async fn turn_back(&mut self) -> Result<()> {
        self.end("QUIT")?;
        self.data = COPY;
        self.begin().await
    }

    /// Starts a synchronous standby, without which nothing is committed from then on. Returns when it follows.
    ///
    /// # Errors
    /// If it does not start or follow.
    pub async fn follow(&mut self) -> Result<()> {
        let mut copy = self.client("pg_basebackup");
        copy.args(["--checkpoint=fast", "--wal-method=stream", "--no-sync", "--write-recovery-conf", "--pgdata"]);
        output(copy.arg(self.folder.join(STANDBY)))?;
        let address = testkit::process::free_address()?;
        let server = self.postgres(STANDBY, address)?.spawn().context("a standby cannot be started")?;
        self.standby = Some((address, server));
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.reload()?;
        let start = Instant::now();
        while !self.sql("TABLE pg_stat_replication")?.contains("|sync|") {
            ensure!(start.elapsed() < PATIENCE, "the standby does not follow: {}", self.log_end());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Ends it at once, and promotes its standby, which takes over its address. Returns when the standby accepts
    /// writes.
    ///
    /// # Errors
    /// If it does not.
    pub async fn promote(&mut self) -> Result<()> {
        self.end("QUIT")?;
        let (_, mut standby) = self.standby.take().context("there is no standby")?;
        signal("INT", standby.id())?;
        standby.wait()?;
        self.data = STANDBY;
        self.begin().await?;
        let mut promote = self.program("pg_ctl");
        output(promote.args(["promote", "--wait", "--pgdata"]).arg(self.folder.join(STANDBY))).map(drop)
    }

    /// Makes it refuse writes, or accept them again.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn set_read_only(&self, on: bool) -> Result<()> {
        // This session itself must be able to write.
        self.sql(&format!(
            "SET default_transaction_read_only = off; ALTER SYSTEM SET default_transaction_read_only = {on}"
        ))?;
        self.reload()
    }

    /// Makes it read its settings again.
    fn reload(&self) -> Result<()> {
        signal("HUP", self.id().context("PostgreSQL does not run")?)
    }

    /// A command for one of PostgreSQL's client programs.
    fn client(&self, name: &str) -> Command {
        let mut command = self.program(name);
        command.env("PGPASSWORD", &self.password);
        command.args(["--host=127.0.0.1", "--username=palabre", "--port", &self.address.port().to_string()]);
        command
    }

    /// Runs statements, each in a transaction of its own, and returns their output.
    fn sql(&self, text: &str) -> Result<String> {
        let mut psql = self.client("psql");
        psql.args(["--dbname=postgres", "--no-align", "--tuples-only", "--quiet"]);
        text.split("; ").for_each(|one| _ = psql.args(["--command", one]));
        output(&mut psql)
    }

    fn end(&mut self, how: &str) -> Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        signal(how, server.id())?;
        server.wait()?;
        Ok(())
    }

    /// Starts it; repeatedly, while remains of the previous server are in the way.
    async fn begin(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            let mut postgres = self.postgres(self.data, self.address)?;
            self.server = Some(postgres.spawn().context("PostgreSQL cannot be started")?);
            match self.wait().await {
                Err(_) if start.elapsed() < PATIENCE && self.has_ended() => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// A command for the server itself, with these files and this address.
    fn postgres(&self, data: &str, address: SocketAddr) -> Result<Command> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"))?;
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.folder.join(data)).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let sockets = format!("unix_socket_directories={}", self.folder.display());
        let port = format!("port={}", address.port());
        for setting in ["listen_addresses=127.0.0.1", "max_connections=200", "fsync=on", &sockets, &port] {
            postgres.args(["-c", setting]);
        }
        Ok(postgres)
    }

    fn has_ended(&mut self) -> bool {
        self.server.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None)))
    }

    async fn wait(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.has_ended() {
                bail!("PostgreSQL ended:\n{}", self.log_end());
            }
            let mut ready = Command::new(self.bin.join("pg_isready"));
            ready.args(["--quiet", "--host=127.0.0.1", "--timeout=1", "--port", &self.address.port().to_string()]);
            if tokio::process::Command::from(ready).status().await.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("PostgreSQL is not ready after {PATIENCE:?}:\n{}", self.log_end())
    }

    fn log_end(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }

    /// A command for one of PostgreSQL's programs, under an account that is not root, which the server refuses.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.current_dir("/");
        if let Some((user, group)) = self.owner {
            command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
        }
        command.args(["--pdeathsig", "QUIT", "--"]).arg(self.bin.join(name));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its data is not needed any more, and it may have ended already.
        let _gone = self.end("QUIT");
        if let Some((_, mut standby)) = self.standby.take() {
            let _gone = signal("QUIT", standby.id()).and_then(|()| Ok(standby.wait()?));
        }
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}

/// The folder of the newest installed server's programs.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(Path::new(VERSIONS))
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists() && bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin)
}

fn owner() -> Result<Option<(u32, u32)>> {
    if !is_root() {
        return Ok(None);
    }
    let id = |flag: &str| -> Result<u32> {
        let text = output(Command::new("id").args([flag, "postgres"])).context("there is no account `postgres`")?;
        Ok(text.parse()?)
    };
    Ok(Some((id("-u")?, id("-g")?)))
}
