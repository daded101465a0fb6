//! A private PostgreSQL for the tests, with a free port of the loopback address and a folder of its own, removed
//! afterwards.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    os::unix::fs::{DirBuilderExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

use crate::shell::{command, output, succeed, works};

/// The package of the server, and the path where Debian installs it.
const PACKAGE: &str = "postgresql";
const VERSIONS: &str = "/usr/lib/postgresql";
/// The prefix of its folders.
const FOLDER: &str = "palabre-check-postgres-";

/// Checks that a PostgreSQL server is installed, or installs it.
pub fn require(may_install: bool) -> anyhow::Result<()> {
    if programs().is_some() && works(command("setpriv").arg("--version")) {
        return Ok(());
    }
    let advice = format!(
        "the programs of a PostgreSQL server are missing; install them with: \
         apt-get update && apt-get install -y --no-install-recommends {PACKAGE}"
    );
    if !may_install || !is_root() || !works(command("apt-get").arg("--version")) {
        bail!(advice);
    }
    println!("installing PostgreSQL from Debian's packages");
    // Debian starts a server after the installation unless this is set.
    let told = Path::new("/etc/postgresql-common/createcluster.conf");
    if !told.exists() {
        fs::create_dir_all("/etc/postgresql-common")?;
        fs::write(told, "create_main_cluster = false\n")?;
    }
    let mut install = command("apt-get");
    // Our line in its configuration must stay, without a question.
    install
        .args(["install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", PACKAGE])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("UCF_FORCE_CONFFOLD", "1");
    succeed(command("apt-get").arg("update")).and_then(|()| succeed(&mut install)).context(advice)?;
    ensure!(programs().is_some(), "{PACKAGE} was installed, but {VERSIONS}/*/bin/postgres is not there");
    Ok(())
}

/// The folder of the newest installed server's programs.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(VERSIONS)
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists() && bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin)
}

/// Whether packages may be installed: only root may.
pub fn is_root() -> bool {
    output(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// These tests do not depend on what outlives the machine, nor on plans of queries over many rows. They make some fifty
/// tables for each story, which nobody is to vacuum.
const QUICK: [&str; 7] = [
    "fsync=off",
    "checkpoint_timeout=1h",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=8GB",
    "autovacuum=off",
    "jit=off",
];

/// A running server. Dropping it stops it and removes its folder; if this program is interrupted or
/// killed, the server stops by itself, and the next run removes the folder.
pub struct Postgres {
    server: Child,
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Postgres {
    /// Creates and starts one.
    pub fn start() -> anyhow::Result<Self> {
        let bin = programs().context("there is no PostgreSQL server; see the step `tools`")?;
        remove_left_over(&std::env::temp_dir(), FOLDER);
        let folder = std::env::temp_dir().join(format!("{FOLDER}{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let owner = owner()?;
        let password = password()?;
        let password_file = folder.join("password");
        fs::write(&password_file, &password)?;
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group))?;
            chown(&password_file, Some(user), Some(group))?;
        }
        let data = folder.join("data");
        let mut initdb = as_owner(owner, &bin.join("initdb"));
        // Not SCRAM, whose thousands of rounds a debug build needs a while for, with each connection; `chaos` has that.
        initdb.args(["--auth=md5", "--username=palabre", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        output(initdb.arg("--pwfile").arg(&password_file).arg("--pgdata").arg(&data))?;

        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let log = fs::File::create(folder.join("log"))?;
        let mut postgres = as_owner(owner, &bin.join("postgres"));
        postgres.arg("-D").arg(&data).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let sockets = format!("unix_socket_directories={}", folder.display());
        let port_setting = format!("port={port}");
        for setting in ["listen_addresses=127.0.0.1", "max_connections=400", &sockets, &port_setting] {
            postgres.args(["-c", setting]);
        }
        for setting in QUICK {
            postgres.args(["-c", setting]);
        }
        let server = postgres.spawn().context("PostgreSQL cannot be started")?;
        let mut started = Self { server, folder, port, password };
        started.wait(&bin)?;
        Ok(started)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL for a client, with a user that may do everything.
    pub fn url(&self) -> String {
        format!("postgres://palabre:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }

    /// The last lines of its log.
    pub fn log_end(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn wait(&mut self, bin: &Path) -> anyhow::Result<()> {
        let start = Instant::now();
        let port = self.port.to_string();
        while start.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.server.try_wait()? {
                bail!("PostgreSQL ended at once ({status}):\n{}", self.log_end());
            }
            if works(command(bin.join("pg_isready")).args(["--quiet", "--host=127.0.0.1", "--port", &port])) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("PostgreSQL is not ready after a minute:\n{}", self.log_end())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT asks it for a fast, orderly shutdown.
        let asked = works(command("kill").args(["-INT", &self.server.id().to_string()]));
        let start = Instant::now();
        while asked && start.elapsed() < Duration::from_secs(20) && matches!(self.server.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The account under which PostgreSQL must run, because it refuses to run as root.
fn owner() -> anyhow::Result<Option<(u32, u32)>> {
    if !is_root() {
        return Ok(None);
    }
    let id = |flag: &str| -> anyhow::Result<u32> {
        let text = output(command("id").args([flag, "postgres"])).context("there is no account `postgres`")?;
        Ok(text.trim().parse()?)
    };
    Ok(Some((id("-u")?, id("-g")?)))
}

/// A command that runs a program under that account, and ends when this one does. It stays in our process group, so
/// that Ctrl-C reaches it too.
fn as_owner(owner: Option<(u32, u32)>, program: &Path) -> Command {
    let mut started = command("setpriv");
    started.current_dir("/");
    if let Some((user, group)) = owner {
        started.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
    }
    started.args(["--pdeathsig", "INT", "--"]).arg(program);
    started
}

fn password() -> anyhow::Result<String> {
    let mut random = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Removes the folders whose names are this prefix and the id of a process that is no more: of runs that were killed.
pub fn remove_left_over(place: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
