//! Making the index for searching anew, in a process of its own: how many texts a second, and what one costs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chat::ConversationId;
use store::{Db, Options, followers::Shards, search};

use super::{report::Report, server::usage};

/// Conversations of one pass, and numbers that it goes through: as the workers have it.
const CONVERSATIONS: usize = 2_000;
const NUMBERS: i64 = 2_000;
/// How often a follower renews what it holds on PostgreSQL, where that runs out.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a server that was stopped may still be taken for one that follows.
const PATIENCE: Duration = Duration::from_secs(10);

/// Empties the index of a database that no server uses, and makes it anew.
///
/// # Errors
/// If there is no such database, or a server follows it.
pub async fn run(database: &str, settings: &[String]) -> Result<Report> {
    let options = Options { url: database.to_owned(), readers: 2, connect_timeout: Duration::from_secs(10) };
    let db = Db::open(&options).await.context("the database cannot be opened")?;
    search::clear(&db).await?;
    let mut lease = Lease::of_all(&db).await?;
    let own = std::process::id();
    let mut report = Report::new("making the index for searching anew, without a server".into(), settings);
    let before = usage(&[own])?;
    let (begin, mut texts) = (Instant::now(), 0_usize);
    loop {
        let behind: Vec<ConversationId> =
            search::behind(&db, Shards::ALL).await?.into_iter().map(|(id, _)| id).collect();
        if behind.is_empty() {
            break;
        }
        texts += follow(&db, behind, &mut lease).await?;
    }
    report.seconds = begin.elapsed().as_secs_f64();
    let cpu = before.zip(usage(&[own])?).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.texts_per_second = Some(texts as f64 / report.seconds.max(0.001));
    report.cpu_per_text_us = cpu.map(|cpu| cpu * 1e6 / (texts as f64).max(1.0));
    search::leave(&db).await?;
    db.close().await;
    report.index_bytes = Some(search::examined::examine(database).await?.bytes as f64);
    Ok(report)
}

/// That all conversations are followed here, and nowhere else.
struct Lease {
    renewed: Instant,
}

impl Lease {
    /// Takes all shards, if need be when those of a stopped server have run out.
    async fn of_all(db: &Db) -> Result<Self> {
        let begin = Instant::now();
        while search::look(db).await?.shards != Shards::ALL {
            if begin.elapsed() > PATIENCE {
                bail!("a server follows this database; stop it first");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(Self { renewed: Instant::now() })
    }

    async fn renew(&mut self, db: &Db) -> Result<()> {
        if self.renewed.elapsed() >= LOOK_EVERY {
            *self = Self::of_all(db).await?;
        }
        Ok(())
    }
}

/// Follows these conversations to their ends, pass after pass.
async fn follow(db: &Db, mut behind: Vec<ConversationId>, lease: &mut Lease) -> Result<usize> {
    let mut texts = 0;
    while !behind.is_empty() {
        lease.renew(db).await?;
        let portion: Vec<ConversationId> = behind.iter().copied().take(CONVERSATIONS).collect();
        let pass = search::pass(db, &portion, NUMBERS).await?;
        if pass.reached.is_empty() {
            bail!("the index was taken by a server that follows this database; stop it first");
        }
        texts += pass.texts;
        behind.retain(|id| !pass.reached.iter().any(|(reached, cursor, head)| reached == id && cursor >= head));
    }
    Ok(texts)
}
