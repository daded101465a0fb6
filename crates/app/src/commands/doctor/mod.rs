//! `palabre doctor`: whether everything that a node needs is there, and what to do about what is not.
//!
//! A file per thing that is looked at; each gives [`Finding`]s. Nothing is changed, but a small file is written into
//! the data folder and removed again, a small object into the bucket, if there is one, and one word is said on a Redis
//! channel of its own.

mod clock;
mod database;
mod disk;
mod files;
mod finding;
mod folder;
mod http;
mod machine;
mod nodes;
mod numbers;
mod proxy;
mod redis;
mod search;
mod settings;

use anyhow::bail;

use self::finding::{Finding, Level, Report, count, text};
use super::say;
use crate::config::{Flags, Loaded, load};

/// Check what this node needs, and say what to do about what is wrong
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Tell it as one JSON object
    #[arg(long)]
    json: bool,
}

/// Looks at everything. An error if there is a problem, so that the exit code tells.
pub(super) async fn run(args: Args, flags: &Flags) -> anyhow::Result<()> {
    let findings = match load(flags) {
        Ok(loaded) => examine(&loaded).await,
        Err(refused) => settings::refused(&refused),
    };
    say(&if args.json { serde_json::to_string_pretty(&Report::of(&findings))? } else { text(&findings) })?;
    match count(&findings, Level::Problem) {
        0 => Ok(()),
        1 => bail!("there is a problem"),
        problems => bail!("there are {problems} problems"),
    }
}

async fn examine(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config;
    let mut findings = settings::examine(config);
    findings.extend(folder::examine(config));
    findings.extend(disk::examine(config));
    let (of_database, epoch) = database::examine(config).await;
    findings.extend(of_database);
    if epoch.is_some() {
        findings.extend(files::examine(config).await);
    }
    findings.extend(redis::examine(config).await);
    findings.extend(machine::examine(config));
    findings.extend(proxy::examine(config, epoch.as_deref()).await);
    findings
}
