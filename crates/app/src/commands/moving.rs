//! `palabre move`

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use store::{
    Db,
    transfer::moving::{self, Names, Progress},
};

use super::say;
use crate::{
    config::{Config, DatabaseUrl, Loaded, MOVE_VARIABLE},
    parts,
};

/// How often the count of copied messages is told.
const TELL: Duration = Duration::from_secs(2);

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The empty PostgreSQL database, as postgres://USER:PASSWORD@HOST:PORT/NAME
    #[arg(long, value_name = "URL", env = MOVE_VARIABLE, hide_env_values = true)]
    to: Option<String>,
    /// Go back: give the PostgreSQL database up, and let the SQLite database that was moved away live again
    #[arg(long)]
    back: bool,
    /// When going back, lose what was written to PostgreSQL since
    #[arg(long, requires = "back")]
    abandon: bool,
}

pub(super) async fn run(Args { to, back, abandon }: Args, loaded: Loaded) -> anyhow::Result<()> {
    let config = &loaded.config;
    let from = config.database_url();
    let to = to.map(|url| DatabaseUrl::parse(&url)).transpose().map_err(|why| anyhow::anyhow!("--to {why}"))?;
    if !from.is_sqlite() || to.as_ref().is_some_and(DatabaseUrl::is_sqlite) {
        bail!(
            "a move goes from SQLite (--database-url sqlite:FILE, if the configuration names another) to PostgreSQL (--to)"
        );
    }
    if from.sqlite_path().is_some_and(|path| !path.exists()) {
        bail!("{}: there is no such database", from.without_password());
    }
    let source = parts::any_database(config).await?;
    let target = match &to {
        Some(url) => Some(parts::open(config, url).await?),
        None => None,
    };
    if back {
        moving::back(&source, target.as_ref(), abandon, parts::clock()()).await?;
        let whereto = from.without_password();
        return say(&format!("{whereto} lives again; the server works on it once database.url names it"));
    }
    let (Some(url), Some(target)) = (to, target) else { bail!("--to says where to move to") };
    forward(config, &source, &target, &url).await
}

async fn forward(config: &Config, source: &Db, target: &Db, url: &DatabaseUrl) -> anyhow::Result<()> {
    let from = config.database_url();
    let from = match from.sqlite_path() {
        Some(path) => format!("sqlite:{}", std::path::absolute(path)?.display()),
        None => from.without_password(),
    };
    let names = Names { from, to: url.without_password() };
    let clock = parts::clock();
    let mut told = Instant::now();
    let mut tell = |progress| {
        let line = match progress {
            Progress::Copied { .. } if told.elapsed() < TELL => return,
            Progress::Copied { table, last } => {
                told = Instant::now();
                format!("{last} {table} copied")
            }
            Progress::Begun { again: false } => "copying, while the server may go on".to_owned(),
            Progress::Begun { again: true } => "going on where it was stopped".to_owned(),
            Progress::CaughtUp(count) => format!("{count} messages changed meanwhile and were copied"),
            Progress::Compared { conversations } => format!("{conversations} conversations compared: alike"),
            Progress::Paused => "nobody can write to the SQLite database now".to_owned(),
        };
        // If the pipe is closed, nobody wants to know; the move goes on.
        let _gone = say(&line);
    };
    let moved = moving::run(source, target, &names, &*clock, &mut tell).await;
    let report = moved.context("not moved")?;
    say(&format!(
        "moved {} messages in {} conversations to {}, in {:.1} s; for {:.2} s nobody could write",
        report.messages,
        report.conversations,
        names.to,
        report.took.as_secs_f64(),
        report.paused.as_secs_f64()
    ))?;
    say("A server that is running on the SQLite database stops now. Set database.url and start it.")
}
