//! The system under test: nodes, database, Redis, and a proxy on every connection between them.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use testkit::{
    kill::{BUCKET, FilesAt, environment},
    process::{Process, Setup},
};

use crate::{
    bucket::Bucket,
    postgres::Postgres,
    proxy::Proxy,
    redis::Redis,
    shell::{WITH_US, is_root, output},
};

/// The path where Debian installs the library that fakes the time.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// The secret that signs access tokens on all nodes. It protects nothing: every database here is discarded.
const SECRET: &str = "what all nodes of a chaos run share: 1b2f";

/// The nodes and what they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// One node on SQLite.
    One,
    /// Three nodes on PostgreSQL and Redis.
    Three,
    /// Three nodes on PostgreSQL, without Redis.
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

/// Further needs of a run.
#[derive(Clone, Debug)]
pub struct Needs {
    /// The server's program.
    pub binary: PathBuf,
    /// A folder for everything; it is created.
    pub folder: PathBuf,
    /// Whether the nodes' clocks can be changed.
    pub clocks: bool,
    /// Whether the data is on a small disk of its own.
    pub small_disk: bool,
    /// Whether files are in a bucket, and not in a folder.
    pub bucket: bool,
    /// A deliberate fault of the server, if it was built with them.
    pub mutant: Option<String>,
}

/// A node and the proxies of its connections.
#[derive(Debug)]
pub struct Node {
    /// The program.
    pub process: Process,
    /// The proxy that clients connect to.
    pub door: Proxy,
    /// The proxy to PostgreSQL.
    pub database: Option<Proxy>,
    /// The proxy to Redis.
    pub redis: Option<Proxy>,
    /// The proxy to the bucket.
    pub bucket: Option<Proxy>,
    clock: PathBuf,
}

impl Node {
    /// Changes its clock, by an offset such as `+3600`.
    ///
    /// # Errors
    /// If the file with the offset cannot be written.
    pub fn set_clock(&self, step: &str) -> Result<()> {
        // The file is replaced as a whole, so that nobody reads half of it.
        let draft = self.clock.with_extension("new");
        fs::write(&draft, format!("{step}\n"))?;
        Ok(fs::rename(draft, &self.clock)?)
    }
}

/// A small disk in memory.
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

    /// Fills the disk.
    ///
    /// # Errors
    /// If no file can be created on it.
    pub fn fill(&self) -> Result<()> {
        use std::io::Write as _;
        let mut file = fs::File::create(self.folder.join("filler"))?;
        let block = vec![7_u8; 4_096];
        // Writing until it fails is the purpose.
        while file.write_all(&block).is_ok() {}
        Ok(())
    }

    /// Frees the space again.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.folder.join("filler"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A busy disk is unmounted with the next start of the machine; otherwise the next run's mount fails with the
        // reason.
        let _left = output(Command::new("umount").arg("-l").arg(&self.folder));
    }
}

/// All running parts. Dropping it ends them.
#[derive(Debug)]
pub struct Topology {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The database, if it is not SQLite.
    pub postgres: Option<Postgres>,
    /// Redis, where there are several nodes.
    pub redis: Option<Redis>,
    /// The small disk of the data, if there is one.
    pub disk: Option<SmallDisk>,
    /// The bucket of files, if they are in one.
    pub bucket: Option<Bucket>,
}

impl Topology {
    /// Starts everything.
    ///
    /// # Errors
    /// If a part does not start, or a needed program is not installed.
    pub async fn start(profile: Profile, needs: &Needs) -> Result<Self> {
        fs::create_dir_all(&needs.folder)?;
        let (several, heard) = (profile != Profile::One, profile == Profile::Three);
        let postgres = if several { Some(Postgres::start(needs.folder.join("postgres")).await?) } else { None };
        let redis = if heard { Some(Redis::start(needs.folder.join("redis")).await?) } else { None };
        let disk = needs.small_disk.then(|| SmallDisk::mount(&needs.folder.join("node0"), 96)).transpose()?;
        let bucket = if needs.bucket { Some(Bucket::start(needs.folder.join("bucket")).await?) } else { None };
        let mut topology = Self { nodes: Vec::new(), postgres, redis, disk, bucket };
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
        let bucket = match &self.bucket {
            Some(bucket) => Some(Proxy::to(bucket.address()).await?),
            None => None,
        };
        let mut environment = environment();
        let mut set = |name: &str, value: String| environment.push((name.to_owned(), value));
        set("PALABRE_AUTH__JWT_SECRET", SECRET.to_owned());
        set("PALABRE_AUTH__ACCESS_MINUTES", "1440".to_owned());
        set("PALABRE_DATABASE__CONNECT_TIMEOUT_SECONDS", "2".to_owned());
        set("PALABRE_DATABASE__MAX_CONNECTIONS", "8".to_owned());
        // The sites of those who send links.
        set("PALABRE_PREVIEWS__ENABLED", "true".to_owned());
        set("PALABRE_OUTGOING__ALLOW", "127.0.1.0/24".to_owned());
        if let Some(bucket) = &bucket {
            set("PALABRE_DATA__FILES", format!("s3://{BUCKET}"));
            set("PALABRE_S3__ENDPOINT", format!("http://{}", bucket.address()));
            set("PALABRE_S3__ACCESS_KEY", "testing".to_owned());
            set("PALABRE_S3__SECRET_KEY", "testing".to_owned());
        } else if self.postgres.is_some() {
            set("PALABRE_DATA__FILES", needs.folder.join("files").display().to_string());
        }
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
        Ok(Node { process, door, database, redis, bucket, clock })
    }

    /// The database, and where files are, without proxies.
    #[must_use]
    pub fn kept(&self, folder: &Path) -> (String, FilesAt) {
        let (database, files) = match &self.postgres {
            Some(postgres) => (postgres.url_by(postgres.address()), folder.join("files")),
            None => (format!("sqlite:{}", folder.join("node0/palabre.db").display()), folder.join("node0/files")),
        };
        match &self.bucket {
            Some(bucket) => (database, FilesAt::Bucket(format!("http://{}", bucket.address()))),
            None => (database, FilesAt::Folder(files)),
        }
    }

    /// The socket URLs of all nodes, through their proxies.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("ws://{}/v1/ws", node.door.address())).collect()
    }

    /// The socket URLs of all nodes without the proxies, which would read for clients that pause.
    #[must_use]
    pub fn direct(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("ws://{}/v1/ws", node.process.address())).collect()
    }

    /// The first node's own address, without a proxy.
    ///
    /// # Errors
    /// If there is no node.
    pub fn address(&self) -> Result<SocketAddr> {
        self.nodes.first().map(|node| node.process.address()).context("there is no node")
    }
}
