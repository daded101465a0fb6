//! `palabre jobs`: what is done later, and what was given up.

use anyhow::bail;
use clap::Subcommand;
use dialects::time::Time;
use engine::{
    Engine,
    operator::{self, Failed},
};

use super::{
    operator::{open, table},
    say,
};
use crate::config::Loaded;

/// Jobs that are listed, or tried again, in one go.
const MOST: i64 = 10_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tell how many jobs wait, and list those that were given up
    List,
    /// Have jobs tried again that were given up; a running server does so within seconds
    Retry {
        /// The job's kind, as it is listed
        #[arg(required_unless_present = "all")]
        kind: Option<String>,
        /// The job's subject, as it is listed
        #[arg(required_unless_present = "all")]
        subject: Option<i64>,
        /// All that were given up
        #[arg(long, conflicts_with_all = ["kind", "subject"])]
        all: bool,
    },
}

pub(super) async fn run(command: Command, loaded: Loaded) -> anyhow::Result<()> {
    let engine = open(&loaded.config, None).await?;
    match command {
        Command::List => list(&engine).await,
        Command::Retry { kind: Some(kind), subject: Some(subject), .. } => {
            if !operator::retry_job(&engine, kind.clone(), subject).await? {
                bail!("no job {kind} {subject} was given up");
            }
            say(&format!("the job {kind} {subject} is tried again"))
        }
        Command::Retry { .. } => retry_all(&engine).await,
    }
}

async fn list(engine: &Engine) -> anyhow::Result<()> {
    let (waiting, failed) = operator::count_jobs(engine).await?;
    say(&format!("{waiting} waiting, {failed} given up"))?;
    let given_up = operator::failed_jobs(engine, MOST).await?;
    if given_up.is_empty() {
        return Ok(());
    }
    let header = ["kind", "subject", "tries", "given up", "error"].map(str::to_owned).to_vec();
    let row = |job: Failed| {
        let at = Time(chat::Millis(job.failed_at)).to_string();
        vec![job.kind, job.subject.to_string(), job.tries.to_string(), at, job.error.unwrap_or_default()]
    };
    let rows: Vec<_> = [header].into_iter().chain(given_up.into_iter().map(row)).collect();
    say(&table(&rows))
}

async fn retry_all(engine: &Engine) -> anyhow::Result<()> {
    let mut count = 0;
    for job in operator::failed_jobs(engine, MOST).await? {
        count += i64::from(operator::retry_job(engine, job.kind, job.subject).await?);
    }
    say(&format!("tried again: {count}"))
}
