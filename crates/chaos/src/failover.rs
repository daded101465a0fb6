//! Failover: another PostgreSQL takes over from the one that died.
//!
//! People talk on three nodes, with Redis and without, while the database becomes read-only for a while, while a
//! synchronous standby is promoted, and while an older copy is started in its place. Each client keeps what it
//! received, and the [`judge`] compares that with what is there at the end.

mod client;
mod judge;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::api::Api;
use tokio::{sync::watch, task::JoinSet};

use self::{
    client::Client,
    judge::{Deed, Evidence, judge},
};
use crate::{
    run,
    topology::{Needs, Profile, Topology},
};

/// The number of clients, spread over the nodes.
const CLIENTS: usize = 6;
/// How long they talk before and after an event.
const TALK: Duration = Duration::from_millis(1_500);
/// Within this time every node must have announced the new history to its clients.
pub(crate) const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// How long all clients may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(30);

/// The options of `chaos failover`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The server's program; `palabre` beside this one, if it is not given.
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// A deliberate fault of the server, if it was built with debug assertions.
    #[arg(long)]
    pub mutant: Option<String>,
}

/// Runs all parts and prints the result.
///
/// # Errors
/// If a promise was broken, or something could not be run.
pub async fn run(options: &Options) -> Result<()> {
    let broken = broken(options).await?;
    ensure!(broken.is_empty(), "{} broken promises", broken.len());
    Ok(())
}

/// Runs all parts and returns the broken promises.
///
/// # Errors
/// If something could not be run.
pub async fn broken(options: &Options) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for (name, profile, deeds) in [
        ("with Redis", Profile::Three, &[Deed::ReadOnly, Deed::Promotion, Deed::Behind][..]),
        ("without Redis", Profile::Deaf, &[Deed::Behind]),
    ] {
        let needs = Needs {
            binary: run::binary(options.binary.clone())?,
            folder: run::folder(&format!("failover-{profile:?}").to_lowercase(), 0),
            clocks: false,
            small_disk: false,
            bucket: false,
            mutant: options.mutant.clone(),
        };
        let mut topology = Topology::start(profile, &needs).await?;
        let api = Api::at(topology.address()?);
        let (room, tokens) = settle(&api).await?;
        for deed in deeds {
            let begun = Instant::now();
            let played = play(&mut topology, &api, room, &tokens, *deed).await;
            let evidence = played.with_context(|| format!("{deed:?} {name}; see {}", needs.folder.display()))?;
            let broken = judge(&evidence);
            println!("{deed:?} {name}, {:.1} s: {}; {} broken", begun.elapsed().as_secs_f64(), evidence, broken.len());
            broken.iter().take(10).for_each(|what| println!("  {what}"));
            all.extend(broken);
        }
        drop(topology);
        std::fs::remove_dir_all(&needs.folder).ok();
    }
    Ok(all)
}

/// Runs one deed, and collects what all clients have seen of it.
async fn play(topology: &mut Topology, api: &Api, room: i64, tokens: &[String], deed: Deed) -> Result<Evidence> {
    let (talks, talking) = watch::channel(true);
    let mut crowd = JoinSet::new();
    let mut states = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let node = topology.nodes.get(index % topology.nodes.len()).context("no such node")?;
        let name = format!("{deed:?}{index}").to_lowercase();
        let client = Client::new(name, token.clone(), node.process.address(), room);
        states.push(client.state());
        crowd.spawn(client.live(talking.clone()));
    }
    tokio::time::sleep(TALK).await;
    let (from, to) = strike(topology, deed).await?;
    let is_told = |state: &Arc<Mutex<client::State>>| state.lock().is_ok_and(|state| state.told.is_some());
    while deed == Deed::Behind && !states.iter().all(is_told) && to.elapsed() < TOLD_WITHIN {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(TALK).await;
    talks.send_replace(false);
    let rest = Instant::now();
    while !is_at_rest(&states, api, tokens, room).await && rest.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    crowd.abort_all();
    let mut epochs = Vec::new();
    for node in &topology.nodes {
        let server = Api::at(node.process.address()).get("", "server").await?;
        epochs.push(server["epoch"].as_str().unwrap_or_default().to_owned());
    }
    let log = api.dump(tokens.first().context("nobody talks")?, room, 0).await?;
    let kept = log.rows.into_iter().filter_map(|row| Some((row.cid?, row.seq))).collect();
    let clients = states.iter().map(|state| state.lock().map(|state| state.clone()).unwrap_or_default()).collect();
    Ok(Evidence { deed, from, to, clients, kept, epochs })
}

/// Creates accounts, and a room with all of them in it.
async fn settle(api: &Api) -> Result<(i64, Vec<String>)> {
    let mut tokens = Vec::new();
    for index in 0..CLIENTS {
        let account = json!({"username": format!("talker{index}"), "password": "a long talk under a tree"});
        let made = api.post("", "accounts", &account).await?;
        tokens.push(made["access_token"].as_str().context("an account without a token")?.to_owned());
    }
    let owner = tokens.first().context("nobody talks")?;
    let made = api.post(owner, "conversations", &json!({"kind": "room", "name": "square"})).await?;
    let room = made["id"].as_i64().context("a room without an id")?;
    for token in tokens.iter().skip(1) {
        api.post(token, &format!("conversations/{room}/join"), &Value::Null).await?;
    }
    Ok((room, tokens))
}

/// Does the deed. Returns when the period whose commits may be lost began, and when the database accepted connections
/// again.
async fn strike(topology: &mut Topology, deed: Deed) -> Result<(Instant, Instant)> {
    let postgres = topology.postgres.as_mut().context("there is no PostgreSQL in this profile")?;
    let begin;
    match deed {
        Deed::ReadOnly => {
            begin = Instant::now();
            postgres.set_read_only(true).await?;
            tokio::time::sleep(TALK).await;
            postgres.set_read_only(false).await?;
        }
        Deed::Promotion => {
            postgres.follow().await?;
            tokio::time::sleep(TALK).await;
            begin = Instant::now();
            postgres.promote().await?;
        }
        Deed::Behind => {
            // A commit during the copying may be in the copy or not.
            begin = Instant::now();
            postgres.copy()?;
            tokio::time::sleep(TALK).await;
            postgres.turn_back().await?;
        }
    }
    Ok((begin, Instant::now()))
}

/// Whether no client waits for an answer, and all have reached the database's head.
async fn is_at_rest(states: &[Arc<Mutex<client::State>>], api: &Api, tokens: &[String], room: i64) -> bool {
    let Some(token) = tokens.first() else { return true };
    let Ok(listed) = api.get(token, &format!("conversations/{room}")).await else { return false };
    let head = listed["head"].as_i64();
    states
        .iter()
        .all(|state| state.lock().is_ok_and(|state| state.pending.is_empty() && Some(state.known.cursor.0) == head))
}
