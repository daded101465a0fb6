//! Breaks things, in an order that depends on a seed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use testkit::{
    checker::{Spell, Trouble},
    dice::Dice,
};

use crate::{
    proxy::{Cut, Proxy, Weather},
    slow::{self, SlowFigures},
    topology::Topology,
    town::Town,
};

/// A fault, with its number in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// N1, N2: a node is killed and started again.
    KillNode,
    /// N5: the disk is full for a while.
    FillDisk,
    /// N6: PostgreSQL is shut down at once and started again.
    PostgresImmediate,
    /// N6: one of PostgreSQL's backend processes is killed.
    PostgresBackend,
    /// N6: PostgreSQL's postmaster is killed.
    PostgresPostmaster,
    /// N7: Redis is killed and started again.
    RedisKill,
    /// N7: all data of Redis is deleted.
    RedisFlush,
    /// N7: Redis closes the connections of all subscribers.
    RedisDropSubscribers,
    /// N7: Redis sleeps and answers nobody.
    RedisSleep,
    /// N7: Redis pauses all clients.
    RedisPause,
    /// The S3 store is killed and started again.
    BucketKill,
    /// N8: a connection is broken in this way.
    Partition(Way, Kind),
    /// N9: a connection is slow.
    Slow(Way),
    /// N10: some subscribers read slowly or not at all.
    SlowReaders,
    /// N12: all clients' connections break at once.
    Storm,
    /// N13: a node's clock is an hour ahead or behind for a while.
    ClockStep,
    /// N14: a commit's answer is lost.
    CommitInDoubt,
    /// N15: a node is asked to stop, and started again.
    Drain,
}

/// A network path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Between clients and a node.
    Door,
    /// Between a node and the database.
    Database,
    /// Between a node and Redis.
    Redis,
    /// Between a node and the bucket of files.
    Bucket,
}

/// The way in which a path is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nothing gets through.
    Drop,
    /// All connections are reset, and new ones refused.
    Reset,
    /// Nothing gets through in one direction.
    OneWay,
    /// It is interrupted again and again.
    Flapping,
}

impl Fault {
    /// All kinds of partition.
    pub const PARTITIONS: [Self; 12] = [
        Self::Partition(Way::Redis, Kind::Drop),
        Self::Partition(Way::Database, Kind::Reset),
        Self::Partition(Way::Door, Kind::OneWay),
        Self::Partition(Way::Redis, Kind::Flapping),
        Self::Partition(Way::Database, Kind::Drop),
        Self::Partition(Way::Door, Kind::Reset),
        Self::Partition(Way::Redis, Kind::OneWay),
        Self::Partition(Way::Database, Kind::Flapping),
        Self::Partition(Way::Door, Kind::Drop),
        Self::Partition(Way::Redis, Kind::Reset),
        Self::Partition(Way::Database, Kind::OneWay),
        Self::Partition(Way::Door, Kind::Flapping),
    ];
    /// All faults of PostgreSQL itself.
    pub const POSTGRES: [Self; 3] = [Self::PostgresImmediate, Self::PostgresBackend, Self::PostgresPostmaster];
    /// All faults of Redis itself.
    pub const REDIS: [Self; 5] =
        [Self::RedisKill, Self::RedisFlush, Self::RedisDropSubscribers, Self::RedisSleep, Self::RedisPause];

    /// The heading under which it is counted.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::KillNode => "node kills",
            Self::FillDisk => "full disks",
            Self::PostgresImmediate | Self::PostgresBackend | Self::PostgresPostmaster => "database faults",
            Self::RedisKill | Self::RedisFlush | Self::RedisDropSubscribers | Self::RedisSleep | Self::RedisPause => {
                "Redis faults"
            }
            Self::BucketKill => "S3 store kills",
            Self::Partition(..) => "partitions",
            Self::Slow(_) => "slow ways",
            Self::SlowReaders => "slow readers",
            Self::Storm => "reconnect storms",
            Self::ClockStep => "clock steps",
            Self::CommitInDoubt => "commits in doubt",
            Self::Drain => "drains",
        }
    }

    fn trouble(self) -> Trouble {
        match self {
            Self::KillNode => Trouble::Node,
            Self::Drain => Trouble::Drain,
            Self::FillDisk => Trouble::Disk,
            Self::PostgresImmediate | Self::PostgresBackend | Self::PostgresPostmaster => Trouble::Database,
            Self::RedisKill | Self::RedisSleep | Self::RedisPause => Trouble::Redis,
            Self::RedisFlush | Self::RedisDropSubscribers => Trouble::Redis,
            Self::Partition(..) | Self::Slow(_) | Self::CommitInDoubt | Self::BucketKill => Trouble::Way,
            Self::SlowReaders => Trouble::Slow,
            Self::Storm => Trouble::Storm,
            Self::ClockStep => Trouble::Clock,
        }
    }
}

/// The record of what was done.
#[derive(Debug, Default)]
pub struct Deeds {
    /// The troubles and their times.
    pub spells: Vec<Spell>,
    /// The number of faults, by heading.
    pub counts: BTreeMap<&'static str, u64>,
    /// The longest start of a node.
    pub slowest_start: Duration,
    /// The longest orderly stop of a node.
    pub slowest_stop: Duration,
    /// The cost of slow readers.
    pub slow: Vec<SlowFigures>,
}

/// Causes one fault after the other.
pub struct Nemesis<'a> {
    /// The topology that it breaks.
    pub topology: &'a mut Topology,
    /// The town whose accounts slow readers use.
    pub town: &'a Town,
    /// The source of randomness.
    pub dice: Dice,
    /// The histories' clock.
    pub clock: Instant,
    /// The record so far.
    pub deeds: Deeds,
}

impl Nemesis<'_> {
    /// Causes these faults, in a random order.
    ///
    /// # Errors
    /// If something cannot be broken or does not come back.
    pub async fn rage(&mut self, faults: &[Fault], pause: (u64, u64)) -> Result<()> {
        let mut faults = faults.to_vec();
        for index in (1..faults.len()).rev() {
            let other = usize::try_from(self.dice.between(0, index as u64 + 1))?;
            faults.swap(index, other);
        }
        for fault in faults {
            tokio::time::sleep(self.dice.millis(pause.0, pause.1)).await;
            let node = usize::try_from(self.dice.between(0, self.topology.nodes.len() as u64))?;
            let from = self.now();
            self.strike(fault, node).await.with_context(|| format!("{fault:?} of node {node}"))?;
            let (what, to) = (format!("{fault:?}"), self.now());
            // A kill affects one node's clients, a storm all clients.
            let node = (fault == Fault::KillNode).then_some(node);
            self.deeds.spells.push(Spell { trouble: fault.trouble(), what, node, from, to });
            *self.deeds.counts.entry(fault.heading()).or_default() += 1;
        }
        Ok(())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    async fn strike(&mut self, fault: Fault, index: usize) -> Result<()> {
        let wait = self.dice.millis(800, 2_500);
        match fault {
            Fault::KillNode => self.kill(index).await,
            Fault::Drain => self.drain(index).await,
            Fault::FillDisk => self.fill_disk(wait).await,
            Fault::PostgresImmediate => self.postgres()?.restart_immediately().await,
            Fault::PostgresPostmaster => self.postgres()?.kill().await,
            Fault::PostgresBackend => {
                let choice = self.dice.roll();
                self.postgres()?.kill_backend(choice).await
            }
            Fault::RedisKill => {
                self.redis()?.kill()?;
                tokio::time::sleep(wait).await;
                self.redis()?.begin().await
            }
            Fault::RedisFlush => self.redis()?.command("FLUSHALL").await.map(drop),
            Fault::RedisDropSubscribers => self.redis()?.command("CLIENT KILL TYPE pubsub").await.map(drop),
            Fault::RedisSleep => {
                // Redis answers only when it wakes up.
                let _asleep = self.redis()?.command("DEBUG SLEEP 5").await;
                tokio::time::sleep(Duration::from_secs(4)).await;
                Ok(())
            }
            Fault::RedisPause => {
                self.redis()?.command(&format!("CLIENT PAUSE {} ALL", wait.as_millis())).await?;
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Fault::BucketKill => {
                // A node asks again for two seconds: some outages are over by then, and others are refused.
                let wait = self.dice.millis(0, 5_000);
                self.bucket()?.kill()?;
                tokio::time::sleep(wait).await;
                self.bucket()?.begin().await
            }
            Fault::Partition(way, kind) => self.part(way, kind, index, wait).await,
            Fault::Slow(way) => {
                let weather = Weather {
                    delay: self.dice.millis(5, 60),
                    jitter: self.dice.millis(5, 60),
                    bytes_per_second: self.dice.between(32, 512) * 1_024,
                    ..Weather::default()
                };
                self.way(way, index)?.set(weather);
                tokio::time::sleep(wait).await;
                self.way(way, index)?.set(Weather::default());
                Ok(())
            }
            Fault::SlowReaders => {
                let figures = slow::read_slowly(self.topology, self.town, 20, Duration::from_secs(30)).await?;
                self.deeds.slow.push(figures);
                Ok(())
            }
            Fault::Storm => {
                self.topology.nodes.iter().for_each(|node| node.door.cut(Cut::Reset));
                Ok(())
            }
            Fault::ClockStep => {
                let step = if self.dice.one_in(2) { "+3600" } else { "-3600" };
                let node = self.topology.nodes.get(index).context("no such node")?;
                node.set_clock(step)?;
                tokio::time::sleep(wait).await;
                node.set_clock("+0")
            }
            Fault::CommitInDoubt => {
                let way = self.way(Way::Database, index)?;
                let (before, begin) = (way.in_doubt(), Instant::now());
                way.leave_in_doubt(1);
                while way.in_doubt() == before && begin.elapsed() < Duration::from_secs(60) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                anyhow::ensure!(way.in_doubt() > before, "nobody committed anything on this node in a minute");
                Ok(())
            }
        }
    }

    async fn kill(&mut self, index: usize) -> Result<()> {
        let node = self.topology.nodes.get_mut(index).context("no such node")?;
        node.process.kill()?;
        tokio::time::sleep(self.dice.millis(0, 100)).await;
        let took = node.process.restart().await?;
        self.deeds.slowest_start = self.deeds.slowest_start.max(took);
        Ok(())
    }

    async fn drain(&mut self, index: usize) -> Result<()> {
        let node = self.topology.nodes.get_mut(index).context("no such node")?;
        let took = node.process.stop(Duration::from_secs(40)).await?;
        if took > Duration::from_secs(10) {
            println!("  node {index} took {took:?} to stop; the end of its log: {}", node.process.log().display());
        }
        self.deeds.slowest_stop = self.deeds.slowest_stop.max(took);
        node.process.restart().await.map(drop)
    }

    async fn fill_disk(&mut self, wait: Duration) -> Result<()> {
        let disk = self.topology.disk.as_ref().context("the data is on no small disk")?;
        disk.fill()?;
        tokio::time::sleep(wait).await;
        disk.free()
    }

    async fn part(&mut self, way: Way, kind: Kind, index: usize, wait: Duration) -> Result<()> {
        let one_direction = self.dice.one_in(2);
        let proxy = self.way(way, index)?;
        match kind {
            Kind::Drop => proxy.set(Weather { up_held: true, down_held: true, ..Weather::default() }),
            Kind::OneWay => {
                proxy.set(Weather { up_held: one_direction, down_held: !one_direction, ..Weather::default() });
            }
            Kind::Reset => {
                proxy.set(Weather { refusing: true, ..Weather::default() });
                proxy.cut(Cut::Reset);
            }
            Kind::Flapping => {
                for _ in 0..4 {
                    proxy.cut(Cut::Close);
                    proxy.set(Weather { refusing: true, ..Weather::default() });
                    tokio::time::sleep(wait / 8).await;
                    proxy.set(Weather::default());
                    tokio::time::sleep(wait / 8).await;
                }
                return Ok(());
            }
        }
        tokio::time::sleep(wait).await;
        proxy.set(Weather::default());
        Ok(())
    }

    fn way(&self, way: Way, index: usize) -> Result<&Proxy> {
        let node = self.topology.nodes.get(index).context("no such node")?;
        match way {
            Way::Door => Some(&node.door),
            Way::Database => node.database.as_ref(),
            Way::Redis => node.redis.as_ref(),
            Way::Bucket => node.bucket.as_ref(),
        }
        .context("there is no such way in this profile")
    }

    fn postgres(&mut self) -> Result<&mut crate::postgres::Postgres> {
        self.topology.postgres.as_mut().context("there is no PostgreSQL in this profile")
    }

    fn bucket(&mut self) -> Result<&mut crate::bucket::Bucket> {
        self.topology.bucket.as_mut().context("the files of this round are in no bucket")
    }

    fn redis(&mut self) -> Result<&mut crate::redis::Redis> {
        self.topology.redis.as_mut().context("there is no Redis in this profile")
    }
}
