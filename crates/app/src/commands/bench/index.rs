//! Making the index for searching anew, in a process of its own: how many texts a second, and what one costs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chat::ConversationId;
use store::{Db, Options, search};

use super::{report::Report, server::usage};

/// Conversations of one pass, and numbers that it goes through: as the workers have it.
const CONVERSATIONS: usize = 2_000;
const NUMBERS: i64 = 2_000;

/// Empties the index of a database that no server uses, and makes it anew.
///
/// # Errors
/// If there is no such database, or a server follows it.
pub async fn run(database: &str, settings: &[String]) -> Result<Report> {
    let options = Options { url: database.to_owned(), readers: 2, connect_timeout: Duration::from_secs(10) };
    let db = Db::open(&options).await.context("the database cannot be opened")?;
    search::clear(&db).await?;
    search::look(&db).await?;
    let held = search::look(&db).await?.shards;
    let own = std::process::id();
    let mut report = Report::new("making the index for searching anew, without a server".into(), settings);
    let before = usage(&[own])?;
    let (begin, mut texts) = (Instant::now(), 0_usize);
    loop {
        let behind: Vec<ConversationId> = search::behind(&db, held).await?.into_iter().map(|(id, _)| id).collect();
        if behind.is_empty() {
            break;
        }
        texts += follow(&db, behind).await?;
    }
    report.seconds = begin.elapsed().as_secs_f64();
    let cpu = before.zip(usage(&[own])?).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    report.texts_per_second = Some(texts as f64 / report.seconds.max(0.001));
    report.cpu_per_text_us = cpu.map(|cpu| cpu * 1e6 / (texts as f64).max(1.0));
    db.close().await;
    report.index_bytes = Some(search::examined::examine(database).await?.bytes as f64);
    Ok(report)
}

/// Follows these conversations to their ends, pass after pass.
async fn follow(db: &Db, mut behind: Vec<ConversationId>) -> Result<usize> {
    let mut texts = 0;
    while !behind.is_empty() {
        let portion: Vec<ConversationId> = behind.iter().copied().take(CONVERSATIONS).collect();
        let pass = search::pass(db, &portion, NUMBERS).await?;
        if pass.reached.is_empty() {
            bail!("a server follows this database; stop it first");
        }
        texts += pass.texts;
        behind.retain(|id| !pass.reached.iter().any(|(reached, cursor, head)| reached == id && cursor >= head));
    }
    Ok(texts)
}
