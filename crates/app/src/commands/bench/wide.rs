//! Somebody in very many conversations: what their first connection costs, and each further one.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{
    Common,
    crew::{Host, together},
    report::{Bound, Report},
    server::usage,
    socket::Socket,
};

/// Conversations that are made at the same time, each over a connection of its own.
const MAKING: usize = 8;
/// Further connections that are measured together, because memory is had by pages.
const FURTHER: usize = 16;
/// The bound for a further connection of somebody in 5,000 conversations, in bytes.
const FURTHER_BYTES: f64 = 150_000.0;
/// The bound for a channel that has no other subscribers, in bytes.
const CHANNEL_BYTES: f64 = 300.0;

/// Connects somebody once, and then many times more.
///
/// # Errors
/// If they are in fewer conversations than wanted, unless they are to be made.
pub async fn run(common: &Common, host: &Host, conversations: usize, fill: bool) -> Result<Report> {
    let work = format!("somebody in {conversations} conversations connects, and then {FURTHER} times more");
    let mut report = Report::new(work, &common.setting);
    let person = host.person("wide", 0)?;
    // Somebody who is in none of them: what a first connection of anybody makes the server load is there already.
    let (other, _) = host.enter(&host.person("wide-other", 0)?).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = usage(&common.server_pid)?;
    report.remember("before", before);
    let (first, welcome) = host.enter(&person).await?;
    if welcome.heads.len() < conversations {
        if !fill {
            bail!("they are in {} conversations only; make the others with --fill", welcome.heads.len());
        }
        let (making, owner) = (host.clone(), person.clone());
        together((0..conversations).collect(), MAKING, move |index: usize| {
            let (host, person) = (making.clone(), owner.clone());
            async move { host.room(&person, &format!("bench-wide-{index}")).await }
        })
        .await?;
        report.complaints.push("the conversations were made; start the server anew and measure again".into());
        return Ok(report);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let one = usage(&common.server_pid)?;
    report.remember("one connection", one);
    let entering = host.clone();
    let sockets = together(vec![person; FURTHER], 1, move |person| {
        let host = entering.clone();
        async move { Ok(host.enter(&person).await?.0) }
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let many = usage(&common.server_pid)?;
    report.remember("all connections", many);
    report.connections = FURTHER + 1;
    if let (Some(before), Some(one), Some(many)) = (before, one, many) {
        let more = |after: u64, before: u64| after as f64 - before as f64;
        let channel = more(one.rss, before.rss) / conversations.max(1) as f64;
        report.bounds.push(Bound::most("bytes for each channel without other subscribers", channel, CHANNEL_BYTES));
        let further = more(many.rss, one.rss) / FURTHER as f64;
        report.bounds.push(Bound::most("bytes for each further connection", further, FURTHER_BYTES));
        let cpu = (many.cpu_seconds - one.cpu_seconds) * 1e3 / FURTHER as f64;
        report.settings.push(format!("a further connection took {cpu:.2} ms of processor time"));
    }
    sockets.into_iter().chain([first, other]).for_each(Socket::cut);
    Ok(report)
}
