//! N3: the order of flush and answer, observed from outside with strace.
//!
//! Killing a process cannot reveal a missing flush, because the system keeps what was written. So the system calls are
//! traced: after each send the database's log is written, then flushed, and only then may the answer leave.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use testkit::api::Api;
use tokio_websockets::{ClientBuilder, Message};

use crate::{
    run,
    shell::{WITH_US, children, signal},
    topology::{Needs, Profile, Topology},
    town::Town,
};

const CALLS: &str = "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg";
const PATIENCE: Duration = Duration::from_secs(20);

/// The options of `chaos flush-order`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How many messages are sent, one after the other.
    #[arg(long, default_value_t = 500)]
    pub messages: usize,
    /// The topology.
    #[arg(long, value_enum, default_value_t = Profile::One)]
    pub profile: Profile,
    /// The server's program; `palabre` beside this one, if it is not given.
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// A deliberate fault of the server, if it was built with debug assertions.
    #[arg(long)]
    pub mutant: Option<String>,
}

/// Sends messages to a traced server, and judges the trace.
///
/// # Errors
/// If an answer left before its flush had returned, or nothing could be traced.
pub async fn run(options: &Options) -> Result<()> {
    let early = early(options).await?;
    if !early.is_empty() {
        println!("the trace is {}", folder(options).join("strace").display());
    }
    early.iter().take(5).for_each(|name| println!("{name} was answered before its flush had returned"));
    ensure!(early.is_empty(), "{} of {} answers left before their flush", early.len(), options.messages);
    println!("{} of {} answers left after their flush had returned", options.messages, options.messages);
    Ok(())
}

/// The folder of a run: another for each fault.
#[must_use]
pub fn folder(options: &Options) -> PathBuf {
    run::folder(&format!("flush-{}", options.mutant.as_deref().unwrap_or("none")), 0)
}

/// The messages whose answers left too early.
///
/// # Errors
/// If nothing could be traced.
pub async fn early(options: &Options) -> Result<Vec<String>> {
    let folder = folder(options);
    let needs = Needs {
        binary: run::binary(options.binary.clone())?,
        folder: folder.clone(),
        clocks: false,
        small_disk: false,
        bucket: false,
        mutant: options.mutant.clone(),
    };
    let topology = Topology::start(options.profile, &needs).await?;
    let town = Town::settle(&Api::at(topology.address()?), 4, 0).await?;
    let mut watched: Vec<u32> = topology.nodes.iter().take(1).filter_map(|node| node.process.id()).collect();
    if let Some(postmaster) = topology.postgres.as_ref().and_then(crate::postgres::Postgres::id) {
        watched.push(postmaster);
        watched.extend(children(postmaster));
    }
    let file = folder.join("strace");
    let mut strace = Strace::attach(&watched, &file).await?;
    let talked = talk(&topology, &town, options.messages).await;
    strace.detach()?;
    talked?;
    drop(topology);
    let seen = String::from_utf8_lossy(&fs::read(&file)?).into_owned();
    let names: Vec<String> = (0..options.messages).map(name).collect();
    // Other processes write into PostgreSQL's log at any time; SQLite has one writer.
    let early = judge(&seen, &names, options.profile == Profile::One)?;
    if early.is_empty() {
        fs::remove_dir_all(&folder)?;
    }
    Ok(early)
}

fn name(index: usize) -> String {
    format!("flush.{index}.")
}

async fn talk(topology: &Topology, town: &Town, messages: usize) -> Result<()> {
    let (person, place) = (town.people.first(), town.places.first());
    let (person, place) = person.zip(place).context("nobody lives here")?;
    let (mut socket, _) = ClientBuilder::new().uri(&format!("ws://{}/v1/ws", topology.address()?))?.connect().await?;
    let mut ask = async |id: &str, kind: &str, data: Value| -> Result<()> {
        let text = json!({"id": id, "type": kind, "data": data}).to_string();
        socket.send(Message::text(text)).await?;
        loop {
            let frame = tokio::time::timeout(PATIENCE, socket.next()).await.context("no answer")?;
            let frame = frame.context("the connection ended")??;
            let frame: Value = frame.as_text().map(serde_json::from_str).transpose()?.unwrap_or_default();
            if frame["re"] == id {
                ensure!(frame["type"] != "error", "{id} was refused: {frame}");
                return Ok(());
            }
        }
    };
    ask("hello", "authenticate", json!({"token": person.token})).await?;
    for index in 0..messages {
        let name = name(index);
        let data = json!({"conversation": place.id, "client_id": name, "text": format!("number {index}")});
        ask(&name, "message.send", data).await?;
    }
    Ok(())
}

/// A tracer of other processes. Dropping it detaches it.
struct Strace {
    child: Child,
}

impl Strace {
    async fn attach(pids: &[u32], file: &Path) -> Result<Self> {
        let log = file.with_extension("log");
        let [setpriv, words @ ..] = WITH_US;
        let mut command = Command::new(setpriv);
        command.args(words).args(["strace", "-f", "-y", "-s", "1048576", "-e", CALLS, "-o"]).arg(file);
        for pid in pids {
            command.args(["-p", &pid.to_string()]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?).spawn();
        let mut strace = Self { child: child.context("strace cannot be started; install Debian's package `strace`")? };
        let begin = Instant::now();
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if let Some(status) = strace.child.try_wait()? {
                bail!("strace cannot watch the server ({status}); is ptrace permitted here? It says: {}", said.trim());
            }
            if said.matches("attached").count() >= pids.len() {
                return Ok(strace);
            }
            ensure!(begin.elapsed() < PATIENCE, "strace did not attach to the server: {}", said.trim());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn detach(&mut self) -> Result<()> {
        signal("INT", self.child.id())?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // Mostly it has ended already. Killing it does not harm the traced processes.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The state of a message in the database's log.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Untouched,
    Written,
    Flushed,
}

/// The messages that were answered before the log that holds them was flushed. With `strict`, everything else that was
/// written into the log before the answer must be flushed too; without, another process may write the page that holds the
/// message once more, with what it adds itself.
///
/// # Errors
/// If a message was answered nowhere: then nothing was traced.
fn judge(trace: &str, names: &[String], strict: bool) -> Result<Vec<String>> {
    let (mut stage, mut early, mut names) = (Stage::Untouched, Vec::new(), names.iter().peekable());
    // The flush that each process has begun, and whether it covers the message.
    let mut flushing: Vec<(&str, bool)> = Vec::new();
    for line in trace.lines() {
        let Some(name) = names.peek() else { break };
        let Some((pid, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let of_log = call.contains("palabre.db-wal>") || call.contains("/pg_wal/");
        let is_flush = call.starts_with("fdatasync(") || call.starts_with("fsync(");
        if call.starts_with("pwrite64(") && of_log {
            let is_message = call.contains(name.as_str()) && (strict || stage == Stage::Untouched);
            if is_message || (strict && stage == Stage::Flushed) {
                stage = Stage::Written;
                // A flush that is already under way does not cover it.
                flushing.iter_mut().for_each(|(_, covers)| *covers = false);
            }
        } else if is_flush && of_log && call.ends_with("<unfinished ...>") {
            flushing.push((pid, stage == Stage::Written));
        } else if is_flush && of_log && call.ends_with("= 0") {
            stage = if stage == Stage::Untouched { stage } else { Stage::Flushed };
        } else if call.starts_with("<... fdatasync resumed>") || call.starts_with("<... fsync resumed>") {
            let begun = flushing.iter().position(|(of, _)| *of == pid).map(|index| flushing.swap_remove(index));
            if call.ends_with("= 0") && begun.is_some_and(|(_, covers)| covers) {
                stage = Stage::Flushed;
            }
        } else if !of_log && call.contains(&format!("\\\"re\\\":\\\"{name}")) {
            if stage != Stage::Flushed {
                early.push((*name).clone());
            }
            (stage, _) = (Stage::Untouched, names.next());
            flushing.clear();
        }
    }
    match names.next() {
        None => Ok(early),
        Some(unseen) => bail!("the answer to {unseen} was not seen: nothing is proven"),
    }
}

#[cfg(test)]
mod tests {
    use super::judge;

    const WRITE: &str = "7 pwrite64(9</d/palabre.db-wal>, \"..a..\", 4096, 0) = 4096\n";
    const OTHER: &str = "7 pwrite64(9</d/palabre.db-wal>, \"x\", 4096, 0) = 4096\n";
    const FLUSH: &str = "7 fdatasync(9</d/palabre.db-wal>) = 0\n";
    const BEGIN: &str = "7 fdatasync(9</d/palabre.db-wal> <unfinished ...>\n";
    const END: &str = "7 <... fdatasync resumed>) = 0\n";
    const TABLE: &str = "7 fdatasync(9</d/palabre.db>) = 0\n";
    const TOLD: &str = "8 writev(5<socket:[1]>, [{iov_base=\"\\201~{\\\"re\\\":\\\"..a..\\\"\", iov_len=9}], 1) = 9\n";

    fn early(lines: &[&str]) -> usize {
        judge(&lines.concat(), &["..a..".to_owned()], true).expect("the answer is there").len()
    }

    #[test]
    fn an_answer_before_its_flush_is_found() {
        assert_eq!(early(&[WRITE, FLUSH, TOLD]), 0);
        assert_eq!(early(&[WRITE, BEGIN, END, TOLD]), 0);
        for wrong in [
            &[WRITE, TOLD, FLUSH] as &[&str],
            &[WRITE, BEGIN, TOLD, END],
            &[WRITE, FLUSH, OTHER, TOLD],
            &[OTHER, FLUSH, TOLD, WRITE, FLUSH],
            &[OTHER, BEGIN, WRITE, END, TOLD],
            &[FLUSH, TOLD],
            &[WRITE, TABLE, TOLD],
        ] {
            assert_eq!(early(wrong), 1, "{wrong:?}");
        }
        assert!(judge(&[WRITE, FLUSH].concat(), &["..a..".to_owned()], true).is_err(), "nothing was seen");
    }

    #[test]
    fn another_process_may_write_the_page_of_a_message_once_more() {
        const AGAIN: &str = "9 pwrite64(4</d/pg_wal/1>, \"..a.. and more\", 8192, 0) = 8192\n";
        const PAGE: &str = "7 pwrite64(5</d/pg_wal/1>, \"..a..\", 8192, 0) = 8192\n";
        const SYNC: &str = "7 fdatasync(5</d/pg_wal/1>) = 0\n";
        let early = |lines: &[&str]| judge(&lines.concat(), &["..a..".to_owned()], false).expect("an answer").len();
        assert_eq!(early(&[PAGE, SYNC, AGAIN, TOLD]), 0);
        assert_eq!(early(&[PAGE, AGAIN, TOLD, SYNC]), 1);
        assert_eq!(early(&[SYNC, PAGE, TOLD]), 1);
    }
}
