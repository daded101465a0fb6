//! What is broken: nodes, database, Redis, and a proxy on every way between them.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use testkit::{
    kill::environment,
    process::{Process, Setup},
};

use crate::{
    postgres::Postgres,
    proxy::Proxy,
    redis::Redis,
    shell::{WITH_US, is_root, output},
};

/// Where Debian puts the library that tells programs another time.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// Signs access tokens on all nodes. It guards nothing: every database here is thrown away.
const SECRET: &str = "what all nodes of a chaos run share: 1b2f";

/// Which nodes on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// One node on SQLite.
    One,
    /// Three nodes on PostgreSQL and Redis.
    Three,
    /// Three nodes on PostgreSQL, with nothing else between them.
    Deaf,
}

impl Profile {
    /// How many nodes it has.
    #[must_use]
    pub fn nodes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Three | Self::Deaf => 3,
        }
    }
}

/// What a run needs besides.
#[derive(Clone, Debug)]
pub struct Needs {
    /// The server's program.
    pub binary: PathBuf,
    /// A folder for everything, which is made.
    pub folder: PathBuf,
    /// Whether the nodes' clocks are to be moved.
    pub clocks: bool,
    /// Whether the data is to be on a small disk of its own.
    pub small_disk: bool,
    /// A deliberate fault of the server, if it was built with them.
    pub mutant: Option<String>,
}

/// A node and the ways to and from it.
#[derive(Debug)]
pub struct Node {
    /// The program.
    pub process: Process,
    /// Where clients come in.
    pub door: Proxy,
    /// The way to PostgreSQL.
    pub database: Option<Proxy>,
    /// The way to Redis.
    pub redis: Option<Proxy>,
    clock: PathBuf,
}

impl Node {
    /// Moves its clock, by words such as `+3600`.
    ///
    /// # Errors
    /// If the file that tells it cannot be written.
    pub fn set_clock(&self, step: &str) -> Result<()> {
        // At once and whole, never half of it.
        let draft = self.clock.with_extension("new");
        fs::write(&draft, format!("{step}\n"))?;
        Ok(fs::rename(draft, &self.clock)?)
    }
}

/// A disk of its own, in memory.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    fn mount(folder: &Path, megabytes: u32) -> Result<Self> {
        ensure!(is_root(), "a small disk needs root, to mount a tmpfs");
        fs::create_dir_all(folder)?;
        let size = format!("size={megabytes}m,mode=700");
        output(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Takes all that is left.
    ///
    /// # Errors
    /// If the disk is not to be had at all.
    pub fn fill(&self) -> Result<()> {
        use std::io::Write as _;
        let mut file = fs::File::create(self.folder.join("filler"))?;
        let block = vec![7_u8; 4_096];
        // Its end is what this is about.
        while file.write_all(&block).is_ok() {}
        Ok(())
    }

    /// Gives it back.
    ///
    /// # Errors
    /// If it cannot.
    pub fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.folder.join("filler"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // If it is busy, it goes with the machine's next start; the error is told by the next run's mount.
        let _left = output(Command::new("umount").arg("-l").arg(&self.folder));
    }
}

/// Everything that runs. Dropping it ends it all.
#[derive(Debug)]
pub struct Topology {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The database, if it is not SQLite.
    pub postgres: Option<Postgres>,
    /// Redis, where there are several nodes.
    pub redis: Option<Redis>,
    /// The disk of the data, if it is a small one.
    pub disk: Option<SmallDisk>,
}

impl Topology {
    /// Starts it all.
    ///
    /// # Errors
    /// If a part does not start, or something that is needed is not installed.
    pub async fn start(profile: Profile, needs: &Needs) -> Result<Self> {
        fs::create_dir_all(&needs.folder)?;
        let (several, heard) = (profile != Profile::One, profile == Profile::Three);
        let postgres = if several { Some(Postgres::start(needs.folder.join("postgres")).await?) } else { None };
        let redis = if heard { Some(Redis::start(needs.folder.join("redis")).await?) } else { None };
        let disk = needs.small_disk.then(|| SmallDisk::mount(&needs.folder.join("node0"), 96)).transpose()?;
        let mut topology = Self { nodes: Vec::new(), postgres, redis, disk };
        for index in 0..profile.nodes() {
            let node = topology.node(index, needs).await?;
            topology.nodes.push(node);
        }
        Ok(topology)
    }

    async fn node(&self, index: usize, needs: &Needs) -> Result<Node> {
        let data = needs.folder.join(format!("node{index}"));
        let database = match &self.postgres {
            Some(postgres) => Some(Proxy::to(postgres.address()).await?),
            None => None,
        };
        let redis = match &self.redis {
            Some(redis) => Some(Proxy::to(redis.address()).await?),
            None => None,
        };
        let mut environment = environment();
        let mut set = |name: &str, value: String| environment.push((name.to_owned(), value));
        set("PALABRE_AUTH__JWT_SECRET", SECRET.to_owned());
        set("PALABRE_AUTH__ACCESS_MINUTES", "1440".to_owned());
        set("PALABRE_DATABASE__CONNECT_TIMEOUT_SECONDS", "2".to_owned());
        set("PALABRE_DATABASE__MAX_CONNECTIONS", "8".to_owned());
        if let Some(redis) = &redis {
            set("PALABRE_REDIS__URL", format!("redis://{}", redis.address()));
        }
        if let Some(mutant) = &needs.mutant {
            set("MUTANT_OF_PALABRE", mutant.clone());
        }
        let clock = needs.folder.join(format!("clock{index}"));
        if needs.clocks {
            ensure!(Path::new(FAKETIME).exists(), "clocks cannot be moved; install Debian's package `faketime`");
            fs::write(&clock, "+0\n")?;
            set("LD_PRELOAD", FAKETIME.to_owned());
            set("FAKETIME_TIMESTAMP_FILE", clock.display().to_string());
            set("FAKETIME_NO_CACHE", "1".to_owned());
            set("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned());
        }
        let url_by = |postgres: &Postgres| database.as_ref().map(|way| postgres.url_by(way.address()));
        let setup = Setup {
            binary: needs.binary.clone(),
            data,
            database_url: self.postgres.as_ref().and_then(url_by),
            environment,
            wrapper: WITH_US.map(str::to_owned).to_vec(),
        };
        let process = Process::start(setup).await.with_context(|| format!("node {index}"))?;
        let door = Proxy::to(process.address()).await?;
        Ok(Node { process, door, database, redis, clock })
    }

    /// The sockets of all nodes, as clients reach them.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("ws://{}/v1/ws", node.door.address())).collect()
    }

    /// The sockets of all nodes without a proxy in between, which would read on behalf of those who pause.
    #[must_use]
    pub fn direct(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("ws://{}/v1/ws", node.process.address())).collect()
    }

    /// A node's own address, which nothing disturbs.
    ///
    /// # Errors
    /// If there is no node.
    pub fn address(&self) -> Result<SocketAddr> {
        self.nodes.first().map(|node| node.process.address()).context("there is no node")
    }
}
